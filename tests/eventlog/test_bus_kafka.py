"""Over a real broker: in order, once, with what was missed read from the owner, and nothing acknowledged too early."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError
from sqlalchemy.ext.asyncio import AsyncEngine

from eventlog.bus_kafka import KafkaBus, deliver_for_sure
from eventlog.bus_local import Pull, Wakes
from eventlog.ledger import LedgerId
from eventlog.partner_topics import PartnerTopics
from eventlog.positions import Positions
from eventlog.postgres import PostgresLedger
from eventlog.reader import Follower, LedgerSource
from eventlog.relay import Publishing, Relay
from eventlog.wire import Incoming, Outgoing, outgoing
from tests.eventlog.making import GEMEENTE, append
from tests.eventlog.test_reader import Noting, follower, noted  # noqa: F401 - a fixture

LEDGER = LedgerId("casework", GEMEENTE)


async def until(condition, seconds: float = 20) -> None:  # type: ignore[no-untyped-def]
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.05)


@pytest.fixture
async def bus(empty_kafka: str) -> AsyncIterator[KafkaBus]:
    bus = KafkaBus(empty_kafka)
    yield bus
    await bus.stop()


async def test_relay_and_reader_bring_every_event_once(bus, follower: Follower, engine, ledger: PostgresLedger) -> None:  # type: ignore[no-untyped-def] # noqa: F811
    source = LedgerSource(ledger)
    relay = Pull(Publishing(Relay("casework", bus.publish), Positions(engine, "casework"), source), Wakes())
    bus.follow(follower, group=f"test-{id(bus)}")
    await bus.start(["casework.events"])
    relay.start()
    await until(lambda: _has(engine, 10))
    async with ledger.begin() as tx:
        await ledger.append(tx, GEMEENTE, [append(f"later{n}") for n in range(500)])
    await until(lambda: _has(engine, 510))
    await relay.stop()
    assert await noted(engine) == list(range(1, 511))


async def test_a_start_that_failed_half_way_can_be_tried_again(  # type: ignore[no-untyped-def]
    bus,
    follower: Follower,  # noqa: F811
    engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def never_asked(records: Sequence[Incoming]) -> None:
        raise AssertionError

    async def broker_gone(self: PartnerTopics) -> None:
        raise KafkaConnectionError

    bus.follow(follower, group=f"test-{id(bus)}")
    bus.subscribe(["submissions.test"], "door", never_asked)
    with monkeypatch.context() as gone:
        gone.setattr(PartnerTopics, "start", broker_gone)
        with pytest.raises(KafkaConnectionError):
            await bus.start(["casework.events"], ["submissions.test"])
    with pytest.raises(RuntimeError, match="publish before start"):
        await bus.publish([])
    await bus.start(["casework.events"], ["submissions.test"])
    await bus.publish([outgoing(event) for event in await follower.source.read(GEMEENTE, after=0)])
    await until(lambda: _has(engine, 10))
    assert await noted(engine) == list(range(1, 11))


async def test_a_record_that_never_came_is_read_from_the_owner(bus, follower: Follower, engine, ledger) -> None:  # type: ignore[no-untyped-def] # noqa: F811
    bus.follow(follower, group=f"test-{id(bus)}")
    await bus.start(["casework.events"])
    events = await follower.source.read(GEMEENTE, after=0)
    await bus.publish([Outgoing("casework.events", b"GM0984", [("ce_id", b"\xff")], b"not ours")])
    await bus.publish([outgoing(event) for event in (*events[:3], events[1], *events[6:])])
    await until(lambda: _has(engine, 10))
    assert await noted(engine) == list(range(1, 11))


async def test_what_is_durable_is_acknowledged_in_a_second(bus, empty_kafka: str, follower: Follower, engine) -> None:  # type: ignore[no-untyped-def] # noqa: F811
    group = f"test-{id(bus)}"
    bus.follow(follower, group)
    await bus.start(["casework.events"])
    events = await follower.source.read(GEMEENTE, after=0)
    for number in range(0, 10, 5):
        await bus.publish([outgoing(event) for event in events[number : number + 5]])
        await until(lambda number=number: _has(engine, number + 5))
        await asyncio.sleep(1.1)
    admin = AIOKafkaAdminClient(bootstrap_servers=empty_kafka)
    await admin.start()
    acknowledged = await admin.list_consumer_group_offsets(group)
    await admin.close()
    assert max(one.offset for one in acknowledged.values()) == 10


async def test_a_batch_is_not_acknowledged_before_it_is_taken(bus, empty_kafka: str) -> None:  # type: ignore[no-untyped-def]
    """What a process had in hand when it ended comes to the next one."""
    taken: list[bytes | None] = []
    busy = asyncio.Event()

    async def never_ends(records: Sequence[Incoming]) -> None:
        busy.set()
        await asyncio.sleep(3600)

    async def takes(records: Sequence[Incoming]) -> None:
        taken.extend(record.value for record in records)

    bus.subscribe(["submissions.test"], "door", never_ends)
    await bus.start(["submissions.test"])
    await bus.publish([Outgoing("submissions.test", b"k", [], b"one")])
    await asyncio.wait_for(busy.wait(), 20)
    await bus.stop()
    after = KafkaBus(empty_kafka)
    after.subscribe(["submissions.test"], "door", takes)
    await after.start(["submissions.test"])
    await until(lambda: _is(taken, [b"one"]))
    await after.stop()


async def test_a_batch_that_fails_is_tried_until_it_is_taken(bus) -> None:  # type: ignore[no-untyped-def]
    attempts: list[list[bytes | None]] = []

    async def fails_twice(records: Sequence[Incoming]) -> None:
        attempts.append([record.value for record in records])
        if len(attempts) < 3:
            raise ConnectionError("the database is away")

    bus.subscribe(["submissions.test"], "fails", fails_twice)
    await bus.start(["submissions.test"])
    await bus.publish([Outgoing("submissions.test", b"k", [("x", b"\xff\xfe")], b"one")])
    await until(lambda: _is(attempts, [[b"one"]] * 3))


async def _has(engine, count: int) -> bool:  # type: ignore[no-untyped-def]
    return len(await noted(engine)) >= count


async def _is(value: object, expected: object) -> bool:
    return value == expected


POISON = """
import asyncio, sys
from aiokafka import AIOKafkaProducer

class NoText(str):
    def encode(self, *how):
        return b"ce_\\xff"

async def main():
    async with AIOKafkaProducer(bootstrap_servers=sys.argv[1]) as producer:
        await producer.send_and_wait("submissions.a", b"poison", headers=[(NoText("x"), b"v")])

asyncio.run(main())
"""
"""Writes a record whose header's name is no UTF-8: the broker takes it, the client library raises when it reads it."""


async def test_a_record_that_cannot_be_read_costs_nobody_a_record(bus: KafkaBus, empty_kafka: str) -> None:
    taken: list[bytes | None] = []

    async def take(records: Sequence[Incoming]) -> None:
        taken.extend(record.value for record in records)

    bus.subscribe(["submissions.a", "submissions.b"], f"test-{id(bus)}", take)
    await bus.start([], passing=["submissions.a", "submissions.b"])
    await bus.publish([Outgoing("submissions.a", b"k", [], b"before")])
    await until(lambda: _is(taken, [b"before"]))
    # The compiled part of the library encodes names itself; the other one lets a test write a bad one.
    environment = os.environ | {"AIOKAFKA_NO_EXTENSIONS": "1"}
    writing = await asyncio.create_subprocess_exec(sys.executable, "-c", POISON, empty_kafka, env=environment)
    assert await writing.wait() == 0
    others = [b"%d" % number for number in range(40)]
    for value in others:
        await bus.publish([Outgoing("submissions.b", b"k", [], value), Outgoing("submissions.a", b"k", [], value)])
    await until(lambda: _is(sorted(map(str, taken)), sorted(map(str, [b"before", None, *others, *others]))))


async def test_a_record_beyond_the_owners_end_is_left_out(follower: Follower, engine: AsyncEngine) -> None:  # noqa: F811
    """After a restore the topic may hold what the ledger lost; the ledger is the truth, and nothing spins."""
    events = await follower.source.read(GEMEENTE, after=0)
    beyond = [replace(events[-1], position=15)]
    await asyncio.wait_for(deliver_for_sure(follower, LEDGER, beyond), 20)
    assert await noted(engine) == list(range(1, 11))
