"""The relay publishes every event, in order and at least once, and never says of one that it is out before it is."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from eventlog import relay as relays
from eventlog.connections import driver_of
from eventlog.errors import Gap
from eventlog.ledger import LedgerId
from eventlog.positions import Positions
from eventlog.postgres import PostgresLedger
from eventlog.reader import LedgerSource
from eventlog.relay import Publishing, Relay
from eventlog.wire import Outgoing
from tests.eventlog.making import GEMEENTE, append, catch_up

LEDGER = LedgerId("casework", GEMEENTE)


class Topic:
    """What is on it, by position; once, it refuses the batch that begins at `refused` after its first record."""

    def __init__(self) -> None:
        self.records: list[int] = []
        self.refused = 0

    async def publish(self, records: Sequence[Outgoing]) -> None:
        positions = [int(dict(record.headers)["ce_sequence"]) for record in records]
        await asyncio.sleep(0.003)
        if positions[0] == self.refused:
            self.refused = 0
            self.records += positions[:1]
            raise ConnectionError("the broker went away")
        self.records += positions


@pytest.fixture
async def topic(ledger: PostgresLedger, monkeypatch: pytest.MonkeyPatch) -> Topic:
    monkeypatch.setattr(relays, "READ_AT_ONCE", 2)
    async with ledger.begin() as tx:
        await ledger.append(tx, GEMEENTE, [append(f"s{number}") for number in range(6)])
    return Topic()


def relay(engine: AsyncEngine, ledger: PostgresLedger, topic: Topic) -> Publishing:
    return Publishing(Relay("casework", topic.publish), Positions(engine, "casework"), LedgerSource(ledger))


async def test_what_the_broker_did_not_take_is_published_again(
    engine: AsyncEngine, ledger: PostgresLedger, topic: Topic
) -> None:
    follower = relay(engine, ledger, topic)
    topic.refused = 3
    with pytest.raises(ConnectionError):
        await catch_up(follower, LEDGER)
    assert (await follower.positions.reached("relay"))[str(LEDGER)] == 2
    assert await catch_up(follower, LEDGER) == 6
    assert topic.records == [1, 2, 3, 3, 4, 5, 6]
    assert (await follower.lag()).behind == 0


async def test_only_the_relays_own_move_is_not_waited_for(
    engine: AsyncEngine, ledger: PostgresLedger, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it forgets is published again; an append over the same connection is durable before anybody hears of it."""
    said = list[str]()

    async def handle(self: Relay, tx: AsyncConnection, *_: object) -> None:
        said.append(await driver_of(tx).fetchval("SHOW synchronous_commit"))

    monkeypatch.setattr(Relay, "handle", handle)
    follower = relay(engine, ledger, topic)
    assert await catch_up(follower, LEDGER) == 6
    async with follower.positions.begin() as tx:
        said.append(await driver_of(tx).fetchval("SHOW synchronous_commit"))
    assert said == ["off", "off", "off", "on"]


async def test_two_relays_publish_each_event_once(engine: AsyncEngine, ledger: PostgresLedger, topic: Topic) -> None:
    async def follow(follower: Publishing) -> None:
        reached = 0
        while reached < 200:
            reached = await catch_up(follower, LEDGER, reached)

    following = [asyncio.create_task(follow(relay(engine, ledger, topic))) for _ in range(2)]
    for number in range(6, 200):
        async with ledger.begin() as tx:
            await ledger.append(tx, GEMEENTE, [append(f"s{number}")])
    async with asyncio.timeout(30):
        await asyncio.gather(*following)
    assert topic.records == list(range(1, 201))


@pytest.mark.parametrize("more", [0, 1])
async def test_a_relay_that_was_put_back_behind_the_back_of_its_process_publishes_again(
    engine: AsyncEngine, ledger: PostgresLedger, topic: Topic, more: int
) -> None:
    """As after a restore of its database while it runs, whether anything is new by then or not."""
    follower = relay(engine, ledger, topic)
    assert await catch_up(follower, LEDGER) == 6
    async with engine.begin() as tx:
        await tx.execute(text("UPDATE casework.readers SET position = 2"))
    async with ledger.begin() as tx:
        await ledger.append(tx, GEMEENTE, [append(f"more{number}") for number in range(more)])
    assert await catch_up(follower, LEDGER, 6) == 6 + more
    assert topic.records == [*range(1, 7), *range(3, 7 + more)]


@pytest.mark.parametrize("missing", [3, 4])
async def test_a_hole_in_the_ledger_is_not_published_over(
    engine: AsyncEngine, ledger: PostgresLedger, topic: Topic, database_url: str, missing: int
) -> None:
    owner = create_async_engine(database_url)
    async with owner.begin() as tx:
        await tx.execute(text("ALTER TABLE casework.events DISABLE TRIGGER USER"))
        await tx.execute(text("DELETE FROM casework.events WHERE position = :missing"), {"missing": missing})
    await owner.dispose()
    with pytest.raises(Gap):
        await catch_up(relay(engine, ledger, topic), LEDGER)
    assert topic.records == [1, 2]
