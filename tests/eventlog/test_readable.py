"""A record of our own topics that the client library cannot read stops nobody, and costs no other record."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from unittest.mock import AsyncMock

import pytest
import structlog
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAuthorizationFailedError
from aiokafka.partitioner import DefaultPartitioner
from sqlalchemy.ext.asyncio import AsyncEngine

from eventlog.bus_kafka import KafkaBus
from eventlog.readable import PastUnreadable
from eventlog.reader import Follower
from eventlog.topics import PARTITIONS
from eventlog.wire import outgoing
from tests.eventlog.making import GEMEENTE
from tests.eventlog.partner_sends import write_poison
from tests.eventlog.test_bus_kafka import _has, until
from tests.eventlog.test_partner_topics import settings_of
from tests.eventlog.test_reader import follower, noted  # noqa: F401 - a fixture

TOPIC = "casework.events"
FIRST, *_, LAST = OURS = [TopicPartition(TOPIC, number) for number in range(PARTITIONS)]
OF_GEMEENTE = DefaultPartitioner()(GEMEENTE.encode(), range(PARTITIONS), range(PARTITIONS))
NOT_THERE = TopicPartition(TOPIC, PARTITIONS)
"""Sorts behind all others, and stands for one whose leader is away."""


async def test_what_is_written_behind_it_comes_at_once(
    bus: KafkaBus,
    empty_kafka: str,
    follower: Follower,  # noqa: F811
    engine: AsyncEngine,
) -> None:
    bus.follow(follower, group=f"test-{id(bus)}")
    await bus.start([TOPIC])
    events = [outgoing(event) for event in await follower.source.read(GEMEENTE, after=0)]
    with structlog.testing.capture_logs() as logs:
        for part in (events[:1], events[1:4], events[4:]):
            for _ in range(2):
                await write_poison(empty_kafka, TOPIC, OF_GEMEENTE)
            await bus.publish(part)
            await until(lambda: _has(engine, events.index(part[-1]) + 1), 5)  # noqa: B023 - it is awaited here
    assert await noted(engine) == list(range(1, 11))
    assert "gap, reading from the owner" not in {line["event"] for line in logs}
    assert [line["offset"] for line in logs if line["event"].startswith("records not readable")] == [0, 3, 8]


async def test_nor_does_a_codec_that_is_not_there_which_our_topics_have_no_more(
    bus: KafkaBus,
    empty_kafka: str,
    admin: AIOKafkaAdminClient,
    follower: Follower,  # noqa: F811
    engine: AsyncEngine,
) -> None:
    set_by_others = {"compression.type": "lz4", "retention.bytes": "1000000"}
    await admin.create_topics([NewTopic(TOPIC, 1, 1, topic_configs=set_by_others)])
    events = [outgoing(event) for event in await follower.source.read(GEMEENTE, after=0)]
    async with AIOKafkaProducer(bootstrap_servers=empty_kafka) as producer:
        await producer.send_and_wait(TOPIC, b"compressed" * 100, key=GEMEENTE.encode())
    bus.follow(follower, group=f"test-{id(bus)}")
    await bus.start([TOPIC, "intake.events"])

    async def are_unpacked() -> bool:
        settings = [await settings_of(admin, topic) for topic in (TOPIC, "intake.events")]
        return [one["compression.type"] for one in settings] == ["uncompressed"] * 2

    await until(are_unpacked)
    await bus.publish(events)
    await until(lambda: _has(engine, 10), 5)
    assert (await settings_of(admin, TOPIC))["retention.bytes"] == "1000000"


async def test_who_may_not_set_it_starts_all_the_same(
    bus: KafkaBus, empty_kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On our own topics it saves time; on those of partners it is a guard."""
    bus.subscribe(["submissions.a"], "door", AsyncMock())
    await bus.start([TOPIC])
    forbidden = AsyncMock(side_effect=TopicAuthorizationFailedError)
    monkeypatch.setattr(AIOKafkaAdminClient, "describe_configs", forbidden)
    with structlog.testing.capture_logs() as logs:
        await (again := KafkaBus(empty_kafka)).start([TOPIC])
        await again.stop()
    assert [line["event"] for line in logs] == ["could not have our own topics unpacked"]
    (again := KafkaBus(empty_kafka)).subscribe(["submissions.a"], "door", AsyncMock())
    with pytest.raises(TopicAuthorizationFailedError):
        await again.start([TOPIC])


@asynccontextmanager
async def consumer_of(bootstrap: str, *partitions: TopicPartition) -> AsyncIterator[PastUnreadable]:
    async with PastUnreadable(bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
        consumer.assign(partitions)
        yield consumer


@pytest.mark.parametrize("beside", [[], [NOT_THERE]], ids=["alone", "with-one-that-has-no-leader"])
async def test_what_lies_ready_in_other_partitions_is_not_lost(
    bus: KafkaBus, empty_kafka: str, beside: list[TopicPartition]
) -> None:
    await bus.start([TOPIC])
    await write_poison(empty_kafka, TOPIC, FIRST.partition)
    async with AIOKafkaProducer(bootstrap_servers=empty_kafka) as producer:
        sent = [await producer.send_and_wait(TOPIC, b"", partition=one.partition) for one in OURS for _ in range(3)]
    async with consumer_of(empty_kafka, *OURS, *beside) as consumer, asyncio.timeout(20):
        brought = list[tuple[int, int]]()
        while len(brought) < len(sent):
            found = [await consumer.getone(), *await consumer.ready()]
            brought += [(one.partition, one.offset) for one in found]
    assert sorted(brought) == sorted((one.partition, one.offset) for one in sent)


async def test_it_is_passed_while_the_others_have_a_long_backlog(bus: KafkaBus, empty_kafka: str) -> None:
    others = [one.partition for one in OURS if one != LAST]
    await bus.start([TOPIC])
    async with AIOKafkaProducer(bootstrap_servers=empty_kafka, linger_ms=5) as producer:
        await write_poison(empty_kafka, TOPIC, LAST.partition)
        behind = await producer.send_and_wait(TOPIC, b"", partition=LAST.partition)
        many = [await producer.send(TOPIC, b"x" * 1000, partition=other) for _ in range(10_000) for other in others]
        await asyncio.gather(*many)
    async with consumer_of(empty_kafka, *OURS) as consumer, asyncio.timeout(60):
        brought = list[tuple[int, int]]()
        while (behind.partition, behind.offset) not in brought:
            found = [await consumer.getone(), *await consumer.ready()]
            brought += [(one.partition, one.offset) for one in found]
    for other in others:
        offsets = [offset for partition, offset in brought if partition == other]
        assert offsets == list(range(len(offsets)))
    assert len(brought) < len(many)


async def test_what_lies_before_it_does_not_come_one_by_one(bus: KafkaBus, empty_kafka: str) -> None:
    await bus.start([TOPIC])
    async with AIOKafkaProducer(bootstrap_servers=empty_kafka, linger_ms=5) as producer:
        for _ in range(3):
            many = [await producer.send(TOPIC, b"", partition=FIRST.partition) for _ in range(300)]
            await asyncio.gather(*many)
            await write_poison(empty_kafka, TOPIC, FIRST.partition)
        last = await producer.send_and_wait(TOPIC, b"", partition=FIRST.partition)
    batches = list[list[int]]()
    async with consumer_of(empty_kafka, *OURS) as consumer, asyncio.timeout(20):
        while not batches or last.offset not in batches[-1]:
            batches.append([one.offset for one in [await consumer.getone(), *await consumer.ready()]])
        async with AIOKafkaProducer(bootstrap_servers=empty_kafka, linger_ms=50) as producer:
            two = [await producer.send(TOPIC, b"", partition=FIRST.partition) for _ in range(2)]
            await asyncio.gather(*two)
        await consumer.getone()
        await consumer.ready()
        assert not consumer._one_by_one
    assert [offset for batch in batches for offset in batch] == [n for n in range(904) if n not in (300, 601, 902)]
    assert len(batches) < 30
