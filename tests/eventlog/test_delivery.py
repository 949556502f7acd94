"""All that the bus brings at once is taken, whatever goes wrong at first; what it does not bring, whoever watches gets.

Each gemeente is by itself: what goes wrong in one takes nothing from another.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from eventlog.delivery import take_for_sure
from eventlog.errors import PositionMoved
from eventlog.ledger import LedgerId, Recorded
from eventlog.reader import Follower
from eventlog.watch import BusWatch
from eventlog.wire import Incoming, outgoing
from tests.eventlog.making import GEMEENTE
from tests.eventlog.picky import Desk, Picky

OTHER = "GM0001"


@dataclass
class Recovering(Picky):
    """Fails once, where there is an `error`."""

    async def handle(self, tx: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        error, self.error = self.error, None
        if error is not None:
            raise error
        await super().handle(tx, ledger, events)


@dataclass
class AwayFrom(Picky):
    """Cannot take anything of the gemeente `away`."""

    away: str = ""

    async def handle(self, tx: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        if ledger.gemeente == self.away:
            raise ConnectionError("away")
        await super().handle(tx, ledger, events)


async def two_gemeenten(desk: Desk) -> None:
    await desk.append("aa")
    await desk.append("b", OTHER)


async def as_brought(follower: Follower) -> list[Incoming]:
    """All there is, as records of one batch."""
    events = [one for gemeente in (GEMEENTE, OTHER) for one in await follower.source.read(gemeente, 0)]
    sent = [outgoing(event) for event in events]
    return [Incoming(one.topic, 0, at, one.key, one.headers, one.value) for at, one in enumerate(sent)]


@pytest.mark.parametrize("error", [None, ConnectionError("away"), PositionMoved("by another")])
async def test_a_batch_of_two_gemeenten_is_taken_whole_whatever_goes_wrong_at_first(
    desk: Desk, error: Exception | None
) -> None:
    await two_gemeenten(desk)
    follower = desk.follower(Recovering(error=error))
    await asyncio.wait_for(take_for_sure(follower, await as_brought(follower), "group"), 60)
    assert (await desk.told(), await desk.told(OTHER)) == ({"a": [1, 2]}, {"b": [1]})


async def test_a_gemeente_that_the_watch_cannot_catch_up_in_holds_up_no_other(desk: Desk) -> None:
    await two_gemeenten(desk)
    reader = AwayFrom()
    follower = desk.follower(reader)
    reader.away, after = await follower.source.sizes()
    watch = BusWatch(follower)
    seen = await watch.look({})
    assert seen == {GEMEENTE: 0, OTHER: 0}
    assert await watch.look(seen) == seen
    assert (bool(await desk.told(reader.away)), bool(await desk.told(after))) == (False, True)
    reader.away = ""
    await watch.look(seen)
    assert (await desk.told(), await desk.told(OTHER)) == ({"a": [1, 2]}, {"b": [1]})
