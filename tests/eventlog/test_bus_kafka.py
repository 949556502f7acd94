"""Over a real broker: in order, once, with what was missed read from the owner, and nothing acknowledged too early."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from unittest.mock import AsyncMock

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, NotControllerError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventlog.bus_kafka import KafkaBus
from eventlog.bus_local import Pull, Wakes
from eventlog.delivery import deliver_for_sure
from eventlog.ledger import LedgerId, Recorded
from eventlog.partner_topics import PartnerTopics
from eventlog.positions import Positions
from eventlog.postgres import PostgresLedger
from eventlog.reader import Follower, LedgerSource
from eventlog.relay import Publishing, Relay
from eventlog.topics import Topics
from eventlog.wire import Incoming, Outgoing, outgoing
from tests.eventlog.making import GEMEENTE, append
from tests.eventlog.test_reader import Noting, follower, noted  # noqa: F401 - a fixture
from tests.parts.kafka import admin_of

LEDGER = LedgerId("casework", GEMEENTE)


class Failing(Noting):
    """Takes nothing, and says when it was asked to."""

    def __init__(self) -> None:
        self.tried = asyncio.Event()

    async def handle(self, tx: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        self.tried.set()
        raise ConnectionError("away")


async def until(condition, seconds: float = 20) -> None:  # type: ignore[no-untyped-def]
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.05)


async def test_a_start_while_no_controller_is_known_fails_as_one_that_may_be_tried_again(
    empty_kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for a while after all brokers were away."""
    begin = AIOKafkaAdminClient.start

    async def begin_without(self: Any) -> None:
        await begin(self)
        self._client.cluster.controller = None
        self._client.force_metadata_update = AsyncMock()

    monkeypatch.setattr(AIOKafkaAdminClient, "start", begin_without)
    with pytest.raises(NotControllerError, match="no broker is known that makes topics"):
        await Topics(empty_kafka, ["events.casework"], []).start()
    assert NotControllerError.retriable


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
            await bus.start(["casework.events"])
    with pytest.raises(RuntimeError, match="publish before start"):
        await bus.publish([])
    await bus.start(["casework.events"])
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
    async with admin_of(empty_kafka) as admin:
        acknowledged = await admin.list_consumer_group_offsets(group)
    assert max(one.offset for one in acknowledged.values()) == 10


async def test_a_batch_that_is_not_taken_comes_to_the_next_process(
    bus: KafkaBus,
    empty_kafka: str,
    follower: Follower,  # noqa: F811
    engine: AsyncEngine,
) -> None:
    """What one had in hand when it ended was not acknowledged."""
    next_process = Follower(Noting(), follower.positions, follower.source)
    group, follower.reader = f"test-{id(bus)}", (reader := Failing())
    bus.follow(follower, group)
    await bus.start(["casework.events"])
    await bus.publish([outgoing(event) for event in await follower.source.read(GEMEENTE, 0, 1)])
    await asyncio.wait_for(reader.tried.wait(), 20)
    await bus.stop()
    after = KafkaBus(empty_kafka)
    after.follow(next_process, group)
    await after.start(["casework.events"])
    await until(lambda: _has(engine, 1))
    await after.stop()


async def test_a_publisher_hears_of_what_the_broker_did_not_take(
    bus: KafkaBus,
    follower: Follower,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = [asyncio.get_running_loop().create_future() for _ in range(2)]
    answers[0].set_result(None)
    answers[1].set_exception(KafkaConnectionError())
    await bus.start(["casework.events"])
    monkeypatch.setattr(AIOKafkaProducer, "send", AsyncMock(side_effect=answers))
    with pytest.raises(KafkaConnectionError):
        await bus.publish([outgoing(event) for event in await follower.source.read(GEMEENTE, 0, 2)])


async def _has(engine, count: int) -> bool:  # type: ignore[no-untyped-def]
    return len(await noted(engine)) >= count


async def test_a_record_beyond_the_owners_end_is_left_out(follower: Follower, engine: AsyncEngine) -> None:  # noqa: F811
    """After a restore the topic may hold what the ledger lost; the ledger is the truth, and nothing spins."""
    events = await follower.source.read(GEMEENTE, after=0)
    beyond = [replace(events[-1], position=15)]
    await asyncio.wait_for(deliver_for_sure(follower, LEDGER, beyond), 20)
    assert await noted(engine) == list(range(1, 11))
