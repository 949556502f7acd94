"""Two gemeenten hold events of a case of the same name: what is done with one leaves the other as it was."""

from eventlog.ledger import LedgerId
from eventlog.redrive import Redriven, redrive
from tests.eventlog.making import catch_up
from tests.eventlog.picky import LEDGER, Desk

OTHER = LedgerId("casework", "GM0001")


async def test_a_redrive_in_one_gemeente_leaves_what_another_holds(desk: Desk) -> None:
    await desk.append("ab")
    await desk.append("bbb", OTHER.gemeente)
    desk.reader.poison = {2}
    follower = desk.follower()
    for ledger in (LEDGER, OTHER):
        await catch_up(follower, ledger)
    desk.reader.poison = set()
    assert await redrive(follower, LEDGER, "b") == Redriven(1)
    assert (await desk.told(), await desk.told(OTHER.gemeente)) == ({"a": [1], "b": [2]}, {"b": [1]})
    assert await redrive(follower, OTHER, "b") == Redriven(2)
    assert (await desk.told(), await desk.told(OTHER.gemeente)) == ({"a": [1], "b": [2]}, {"b": [1, 2, 3]})
