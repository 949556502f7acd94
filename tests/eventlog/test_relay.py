"""The relay publishes every event, in order and at least once, and never says of one that it is out before it is."""

from collections.abc import Sequence

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from eventlog.errors import Gap, PositionMoved
from eventlog.ledger import LedgerId
from eventlog.positions import Positions
from eventlog.postgres import PostgresLedger
from eventlog.reader import LedgerSource
from eventlog.relay import Relay, RelayFollower
from eventlog.wire import Outgoing
from tests.eventlog.making import GEMEENTE, append

LEDGER = LedgerId("casework", GEMEENTE)


class Topic:
    """What is on it, by position; `broken` once, it refuses a batch after its first record."""

    def __init__(self) -> None:
        self.records: list[int] = []
        self.broken = False

    async def publish(self, records: Sequence[Outgoing]) -> None:
        positions = [int(dict(record.headers)["ce_sequence"]) for record in records]
        if self.broken:
            self.broken = False
            self.records += positions[:1]
            raise ConnectionError("the broker went away")
        self.records += positions


@pytest.fixture
async def topic(ledger: PostgresLedger) -> Topic:
    async with ledger.begin() as tx:
        await ledger.append(tx, GEMEENTE, [append(f"s{number}") for number in range(6)])
    return Topic()


def relay(engine: AsyncEngine, ledger: PostgresLedger, topic: Topic) -> RelayFollower:
    return RelayFollower(Relay("casework", topic.publish), Positions(engine, "casework"), LedgerSource(ledger))


async def test_what_the_broker_did_not_take_is_published_again(
    engine: AsyncEngine, ledger: PostgresLedger, topic: Topic
) -> None:
    follower = relay(engine, ledger, topic)
    events = await follower.source.read(GEMEENTE, after=0)
    await follower.deliver(LEDGER, events[:2])
    topic.broken = True
    with pytest.raises(ConnectionError):
        await follower.deliver(LEDGER, events[2:])
    assert (await follower.positions.reached("relay"))[str(LEDGER)] == 2
    assert await follower.catch_up(LEDGER) == 6
    assert topic.records == [1, 2, 3, 3, 4, 5, 6]
    assert (await follower.lag()).behind == 0


async def test_of_two_relays_none_leaves_anything_out(
    engine: AsyncEngine, ledger: PostgresLedger, topic: Topic
) -> None:
    one, other = relay(engine, ledger, topic), relay(engine, ledger, topic)
    events = await one.source.read(GEMEENTE, after=0)
    await one.deliver(LEDGER, events[:2])
    await other.catch_up(LEDGER)
    with pytest.raises(PositionMoved):
        await one.deliver(LEDGER, events[2:4])
    assert await one.catch_up(LEDGER) == 6
    assert topic.records == [1, 2, 3, 4, 5, 6, 3, 4]


async def test_a_hole_in_the_ledger_is_not_published_over(
    engine: AsyncEngine, ledger: PostgresLedger, topic: Topic, database_url: str
) -> None:
    owner = create_async_engine(database_url)
    async with owner.begin() as tx:
        await tx.execute(text("ALTER TABLE casework.events DISABLE TRIGGER USER"))
        await tx.execute(text("DELETE FROM casework.events WHERE position = 4"))
    await owner.dispose()
    with pytest.raises(Gap):
        await relay(engine, ledger, topic).catch_up(LEDGER)
    assert topic.records == []
