"""A gemeente with a long backlog holds up no other: each is read once, then it is the next one's turn."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from eventlog import bus_local
from eventlog.bus_local import Pull, Wakes
from eventlog.delivery import EVER, Delivery
from eventlog.ledger import LedgerId, Recorded
from eventlog.positions import Positions
from eventlog.reader import READ_AT_ONCE, Follower, LedgerSource
from eventlog.relay import Publishing
from eventlog.watch import BusWatch
from tests.eventlog.making import brought
from tests.eventlog.picky import Desk, Picky, desk_at

LONG, SHORT = "GM0001", "GM0984"
READS = 6


@dataclass
class Busy(Picky):
    """Takes its time for each batch, and notes whose it was."""

    turns: list[str] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def handle(self, tx: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        self.turns += [ledger.gemeente] if events else []
        if self.meanwhile is not None and len(self.turns) == 1:
            await self.meanwhile()
        await asyncio.sleep(0.1)


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with desk_at(database_url) as desk:
        for _ in range(READS):
            await desk.append("a" * READ_AT_ONCE, LONG)
        yield desk


async def until_turns(reader: Busy, count: int) -> None:
    async with asyncio.timeout(20):
        while len(reader.turns) < count:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("kind", [Follower, Publishing])
async def test_what_comes_during_a_backlog_is_read_next(desk: Desk, kind: type[Follower]) -> None:
    reader, wakes = Busy(), Wakes()

    async def append_and_wake() -> None:
        await desk.append("b", SHORT)
        wakes.wake("casework", SHORT)

    reader.meanwhile = append_and_wake
    pull = Pull(kind(reader, Positions(desk.engine, "casework"), LedgerSource(desk.ledger)), wakes)
    pull.start()
    await until_turns(reader, READS + 1)
    await pull.stop()
    assert reader.turns.index(SHORT) == 1
    assert reader.turns.count(LONG) == READS


async def test_what_another_process_wrote_during_a_backlog_is_found(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_local, "_POLL_SECONDS", 0.05)
    reader = Busy(meanwhile=lambda: desk.append("b", SHORT))
    pull = Pull(desk.follower(reader), Wakes())
    pull.start()
    await until_turns(reader, READS + 1)
    await pull.stop()
    assert reader.turns.index(SHORT) <= 2


async def test_a_backlog_of_one_gemeente_is_read_without_a_pause(desk: Desk) -> None:
    reader = Busy()
    follower = desk.follower(reader)
    follower.patience_seconds = 3600
    pull = Pull(follower, Wakes())
    pull.start()
    await until_turns(reader, READS)
    await pull.stop()


async def test_one_that_fails_during_a_backlog_of_another_waits_alone(desk: Desk) -> None:
    @dataclass
    class Failing(Busy):
        async def handle(self, tx: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> None:
            await super().handle(tx, ledger, events)
            if ledger.gemeente == SHORT:
                raise ConnectionError("away")

    await desk.append("b", SHORT)
    reader = Failing()
    pull = Pull(desk.follower(reader), Wakes())
    pull.start()
    async with asyncio.timeout(20):
        while reader.turns.count(LONG) < READS:
            await asyncio.sleep(0.01)
    await pull.stop()
    assert reader.turns.count(SHORT) < READS


@pytest.mark.parametrize("began", ["before-it-was-recorded", "after"])
async def test_what_a_batch_lacks_of_a_long_backlog_holds_up_no_later_batch(desk: Desk, began: str) -> None:
    """One read of it, at each batch that has something of it; the watch reads the rest."""
    await desk.append("b", SHORT)
    reader = Busy()
    follower = desk.follower(reader)
    delivery = Delivery(follower, "group", datetime.now(UTC) if began == "after" else EVER)
    of_long = brought(await follower.source.read(LONG, READS * READ_AT_ONCE - 1))
    with structlog.testing.capture_logs() as logs:
        for batch in (of_long, brought(await follower.source.read(SHORT, 0)), of_long):
            await delivery.take(batch)
    assert reader.turns == [LONG, SHORT, LONG]
    assert {line["log_level"] for line in logs} <= {"warning"}
    await BusWatch(follower, every_seconds=60).look(seen={})  # It was never seen where it is.
    assert reader.turns.count(LONG) == READS
    assert not follower.backlogs


async def test_the_watch_takes_turns_too(desk: Desk) -> None:
    await desk.append("b", SHORT)
    reader = Busy()
    await BusWatch(desk.follower(reader), every_seconds=60).look({LONG: 0, SHORT: 0})
    assert reader.turns.index(SHORT) <= 1
    assert reader.turns.count(LONG) == READS


async def test_the_watch_looks_at_others_while_it_reads_a_backlog(desk: Desk) -> None:
    reader = Busy()
    watch = BusWatch(desk.follower(reader), every_seconds=0.05)
    watch.start()
    await until_turns(reader, 1)
    await desk.append("b", SHORT)
    await until_turns(reader, READS + 1)
    await watch.stop()
    assert reader.turns.index(SHORT) < READS
