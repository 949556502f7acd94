"""A backlog is read in parts of a bounded size, and a reader that is slow slows nobody else."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from eventlog.bus_kafka import KafkaBus
from eventlog.bus_local import Pull, Wakes
from eventlog.ledger import LedgerId, Recorded
from eventlog.reader import READ_AT_ONCE
from eventlog.redrive import redrive
from eventlog.relay import Relay
from tests.eventlog.making import catch_up
from tests.eventlog.picky import LEDGER, Desk, Picky, desk_at

BACKLOG = 2500
MOST_FROM_KAFKA = 2000


@dataclass
class Counting(Picky):
    """Takes everything at once, waiting `seconds` for each batch."""

    seconds: float = 0.0

    async def handle(self, tx: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        await asyncio.sleep(self.seconds)
        self.batches += [len(events)] if events else []

    @property
    def count(self) -> int:
        return sum(self.batches)


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with desk_at(database_url) as desk:
        await desk.append("a" * BACKLOG)
        yield desk


async def until_has_all(reader: Counting) -> None:
    async with asyncio.timeout(40):
        while reader.count < BACKLOG:
            await asyncio.sleep(0.02)


async def test_a_backlog_of_any_length_is_read_in_bounded_parts(desk: Desk) -> None:
    reader = Counting()
    await catch_up(desk.follower(reader), LEDGER)
    assert reader.batches == [READ_AT_ONCE, READ_AT_ONCE, BACKLOG - 2 * READ_AT_ONCE]


async def test_a_long_wait_is_redriven_in_bounded_parts(desk: Desk) -> None:
    desk.reader.poison = {1}
    await catch_up(desk.follower(), LEDGER)
    reader = Counting()
    assert (await redrive(desk.follower(reader), LEDGER, "a")).taken == BACKLOG
    assert reader.batches == [READ_AT_ONCE, READ_AT_ONCE, BACKLOG - 2 * READ_AT_ONCE]


async def test_a_slow_reader_on_the_local_bus_slows_nobody(desk: Desk) -> None:
    slow, quick = Counting(name="slow", seconds=3600), Counting(name="quick")
    pulls = [Pull(desk.follower(reader), Wakes()) for reader in (slow, quick)]
    for pull in pulls:
        pull.start()
    await until_has_all(quick)
    assert slow.count == 0
    await asyncio.gather(*(pull.stop() for pull in pulls))


async def test_a_slow_reader_on_kafka_slows_nobody(desk: Desk, empty_kafka: str) -> None:
    bus = KafkaBus(empty_kafka)
    slow, quick = Counting(name="slow", seconds=3600), Counting(name="quick")
    for reader in (slow, quick):
        bus.follow(desk.follower(reader), group=f"{reader.name}-{id(bus)}")
    relay = desk.follower()
    relay.reader, relay.quarantine = Relay("casework", bus.publish), None
    await bus.start(["casework.events"])
    pull = Pull(relay, Wakes())
    pull.start()
    await until_has_all(quick)
    assert slow.count == 0
    assert max(quick.batches) <= MOST_FROM_KAFKA
    await pull.stop()
    await bus.stop()
