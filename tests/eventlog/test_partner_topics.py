"""What partners write on a real broker: taken in order and never passed over, whatever one of them sends or fails."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError
from structlog.testing import capture_logs

from eventlog.bus_kafka import KafkaBus
from eventlog.partner_topics import PartnerTopics
from eventlog.wire import Incoming, Outgoing

MANY = 1 << 30


class Taken:
    """Remembers what it took; fails for what has a value in `refused`."""

    def __init__(self, *refused: bytes) -> None:
        self.refused = set(refused)
        self.records: list[Incoming] = []
        self.attempts = 0

    async def __call__(self, records: Sequence[Incoming]) -> None:
        self.attempts += 1
        if self.refused & {record.value for record in records}:
            raise ConnectionError("the database is away")
        self.records += records

    def of(self, topic: str) -> list[bytes | None]:
        return [record.value for record in self.records if record.topic == topic]

    async def become(self, topic: str, *values: bytes | None) -> None:
        async with asyncio.timeout(20):
            while self.of(topic) != list(values):
                await asyncio.sleep(0.02)


@pytest.fixture
async def bus(empty_kafka: str) -> AsyncIterator[KafkaBus]:
    bus = KafkaBus(empty_kafka)
    yield bus
    await bus.stop()


@pytest.fixture
async def admin(empty_kafka: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=empty_kafka)
    await admin.start()
    yield admin
    await admin.close()


async def read(bus: KafkaBus, take: Taken, *topics: str) -> PartnerTopics:
    reading = bus.subscribe(topics, f"test-{id(bus)}", take)
    await bus.start([])
    return reading


async def send(bus: KafkaBus, topic: str, *values: bytes) -> None:
    await bus.publish([Outgoing(topic, b"k", [], value) for value in values])


async def test_what_comes_compressed_is_unpacked_by_the_broker_and_held_to_its_limit(
    bus: KafkaBus, empty_kafka: str, admin: AIOKafkaAdminClient
) -> None:
    """Also where the topic was made by somebody else, whose other settings stay."""
    set_by_others = {"compression.type": "lz4", "retention.ms": "86400000"}
    await admin.create_topics([NewTopic("submissions.a", 1, 1, topic_configs=set_by_others)])
    taken = Taken()
    await read(bus, taken, "submissions.a", "submissions.b")
    for topic in ("submissions.a", "submissions.b"):
        async with AIOKafkaProducer(
            bootstrap_servers=empty_kafka,
            compression_type="gzip",
            max_batch_size=MANY,
            max_request_size=MANY,
            linger_ms=200,
        ) as producer:
            await producer.send_and_wait(topic, b"small" * 100)
            bomb = [await producer.send(topic, b"0" * 400_000) for _ in range(50)]
            refused = await asyncio.gather(*bomb, return_exceptions=True)
            assert {type(one) for one in refused} == {MessageSizeTooLargeError}
            await producer.send_and_wait(topic, b"after")
        await taken.become(topic, b"small" * 100, b"after")
    asked = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, "submissions.a")])
    settings = {name: value for name, value, *_ in asked[0].resources[0][4]}
    assert settings["retention.ms"] == "86400000"
    assert settings["message.timestamp.type"] == "LogAppendTime"


async def test_one_topic_that_fails_holds_up_no_other(bus: KafkaBus) -> None:
    taken, topics = Taken(b"bad"), ("submissions.a", "submissions.b", "submissions.c")
    reading = await read(bus, taken, *topics)
    await send(bus, "submissions.b", b"bad")
    await asyncio.sleep(0.5)
    for topic in topics:
        await send(bus, topic, b"good")
    await taken.become("submissions.a", b"good")
    await taken.become("submissions.c", b"good")
    lags = {lag.topic: lag for lag in reading.lags()}
    assert lags["submissions.a"].seconds < 0.5 <= lags["submissions.b"].seconds
    assert lags["submissions.a"].behind == 0 < lags["submissions.b"].behind
    assert not taken.of("submissions.b")
    taken.refused.clear()
    await taken.become("submissions.b", b"bad", b"good")


async def test_what_was_not_taken_comes_again_also_while_the_broker_says_nothing(
    bus: KafkaBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(*arguments: object) -> None:
        raise KafkaConnectionError

    taken = Taken(b"one")
    await read(bus, taken, "submissions.a")
    await send(bus, "submissions.a", b"before")
    await taken.become("submissions.a", b"before")
    for name in ("committed", "beginning_offsets", "commit"):
        monkeypatch.setattr(AIOKafkaConsumer, name, silent)
    await send(bus, "submissions.a", b"one", b"two")
    attempts = taken.attempts
    async with asyncio.timeout(20):
        while taken.attempts < attempts + 3:
            await asyncio.sleep(0.02)
    taken.refused.clear()
    await taken.become("submissions.a", b"before", b"one", b"two")


async def test_what_a_partner_took_back_is_not_taken(bus: KafkaBus, empty_kafka: str) -> None:
    taken = Taken()
    await read(bus, taken, "submissions.a")
    async with AIOKafkaProducer(bootstrap_servers=empty_kafka, transactional_id=f"partner-{id(bus)}") as producer:
        await producer.begin_transaction()
        await producer.send_and_wait("submissions.a", b"taken back")
        await producer.abort_transaction()
        async with producer.transaction():
            await producer.send_and_wait("submissions.a", b"meant")
    with capture_logs() as said:
        await send(bus, "submissions.a", b"after")
        await taken.become("submissions.a", b"meant", b"after")
    assert not [line for line in said if line["log_level"] == "error"], "the ends of transactions are no loss"


async def test_what_the_topic_lost_before_it_was_taken_is_said(
    bus: KafkaBus, empty_kafka: str, admin: AIOKafkaAdminClient
) -> None:
    """Retention, while this service was away for longer."""
    taken = Taken()
    await read(bus, taken, "submissions.a")
    await send(bus, "submissions.a", b"0")
    await taken.become("submissions.a", b"0")
    await bus.stop_reading()
    async with AIOKafkaProducer(bootstrap_servers=empty_kafka) as producer:
        for value in (b"1", b"2", b"3"):
            await producer.send_and_wait("submissions.a", value)
    await admin.delete_records({TopicPartition("submissions.a", 0): RecordsToDelete(before_offset=3)})
    later = KafkaBus(empty_kafka)
    later.subscribe(["submissions.a"], f"test-{id(bus)}", taken)
    with capture_logs() as said:
        await later.start([])
        await taken.become("submissions.a", b"0", None, b"3")
    await later.stop()
    assert [(record.offset, record.unread) for record in taken.records[1:]] == [(1, "gone-from-topic"), (3, "")]
    (line,) = [line for line in said if line["event"] == "records gone before they were taken"]
    assert (line["offset"], line["records"]) == (1, 2)


async def test_a_batch_is_not_acknowledged_before_it_is_taken(bus: KafkaBus, empty_kafka: str) -> None:
    """What a process had in hand when it ended comes to the next one."""
    taken, busy = Taken(), asyncio.Event()

    async def never_ends(records: Sequence[Incoming]) -> None:
        busy.set()
        await asyncio.sleep(3600)

    bus.subscribe(["submissions.a"], "door", never_ends)
    await bus.start([])
    await send(bus, "submissions.a", b"one")
    await asyncio.wait_for(busy.wait(), 20)
    await bus.stop()
    after = KafkaBus(empty_kafka)
    after.subscribe(["submissions.a"], "door", taken)
    await after.start([])
    await taken.become("submissions.a", b"one")
    await after.stop()


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
    taken = Taken()
    await read(bus, taken, "submissions.a", "submissions.b")
    await send(bus, "submissions.a", b"before")
    await taken.become("submissions.a", b"before")
    # The compiled part of the library encodes names itself; the other one lets a test write a bad one.
    environment = os.environ | {"AIOKAFKA_NO_EXTENSIONS": "1"}
    writing = await asyncio.create_subprocess_exec(sys.executable, "-c", POISON, empty_kafka, env=environment)
    assert await writing.wait() == 0
    others = [b"%d" % number for number in range(40)]
    for value in others:
        await send(bus, "submissions.b", value)
        await send(bus, "submissions.a", value)
    await taken.become("submissions.a", b"before", None, *others)
    await taken.become("submissions.b", *others)
    assert [record.unread for record in taken.records if record.value is None] == ["not-readable"]
