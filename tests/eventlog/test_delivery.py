"""All that the bus brings at once is taken, whatever goes wrong at first; what it does not bring, whoever watches gets.

Each gemeente is by itself: what goes wrong in one takes nothing from another.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from eventlog.delivery import Delivery
from eventlog.errors import PositionMoved
from eventlog.ledger import LedgerId, Recorded
from eventlog.reader import Follower
from eventlog.watch import BusWatch
from eventlog.wire import Incoming
from tests.eventlog.making import GEMEENTE, brought
from tests.eventlog.picky import Desk, Picky, Sick

OTHER = "GM0001"


@dataclass
class Recovering(Picky):
    """Fails once, where there is an `error`."""

    async def handle(self, tx: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        error, self.error = self.error, None
        if error is not None:
            raise error
        await super().handle(tx, ledger, events)


async def two_gemeenten(desk: Desk) -> None:
    await desk.append("aa")
    await desk.append("b", OTHER)


async def as_brought(follower: Follower) -> list[Incoming]:
    """All there is, as records of one batch."""
    return brought([one for gemeente in (GEMEENTE, OTHER) for one in await follower.source.read(gemeente, 0)])


@pytest.mark.parametrize("error", [None, ConnectionError("away"), PositionMoved("by another")])
async def test_a_batch_of_two_gemeenten_is_taken_whole_whatever_goes_wrong_at_first(
    desk: Desk, error: Exception | None
) -> None:
    await two_gemeenten(desk)
    follower = desk.follower(Recovering(error=error))
    await asyncio.wait_for(Delivery(follower, "group").take(await as_brought(follower)), 60)
    assert (await desk.told(), await desk.told(OTHER)) == ({"a": [1, 2]}, {"b": [1]})


@pytest.mark.parametrize("lost", [[2, 3], [3, 4]])
async def test_what_a_restore_took_from_the_ledger_is_not_taken_from_the_topic(desk: Desk, lost: list[int]) -> None:
    """Whether it follows on what is left, or on what was recorded since."""
    await desk.append("a")
    follower, begun = desk.follower(), datetime.now(UTC)
    (left,) = await follower.source.read(GEMEENTE, 0)
    ghosts = brought(replace(left, position=position, case="ghost") for position in lost)
    await desk.append("b" * (lost[0] - 2))
    delivery = Delivery(follower, "group", begun)
    await delivery.take(ghosts)
    await desk.append("c")
    await delivery.take(brought((await follower.source.read(GEMEENTE, 0))[-1:]))
    assert await desk.told() == {"a": [1], "c": [lost[0]]} | ({"b": [2]} if lost[0] > 2 else {})


async def test_a_gemeente_that_the_watch_cannot_catch_up_in_holds_up_no_other(desk: Desk) -> None:
    await two_gemeenten(desk)
    reader = Sick()
    follower = desk.follower(reader)
    first, after = await follower.source.sizes()
    reader.sick = {first: ConnectionError("away")}
    watch = BusWatch(follower)
    seen = await watch.look({})
    assert seen == {GEMEENTE: 0, OTHER: 0}
    assert await watch.look(seen) == seen
    assert (bool(await desk.told(first)), bool(await desk.told(after))) == (False, True)
    reader.sick = {}
    await watch.look(seen)
    assert (await desk.told(), await desk.told(OTHER)) == ({"a": [1, 2]}, {"b": [1]})
