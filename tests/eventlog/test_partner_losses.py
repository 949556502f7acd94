"""What cannot be read, was taken back or is gone from a partner's topic: said once, and never what was not lost."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from structlog.testing import capture_logs

from eventlog.bus_kafka import KafkaBus
from eventlog.topics import Topics
from tests.eventlog.partner_sends import PARTITION, Taken, read, send, write_poison


async def test_what_a_partner_took_back_is_not_taken(
    bus: KafkaBus, empty_kafka: str, admin: AIOKafkaAdminClient
) -> None:
    taken = Taken()
    reading = await read(bus, taken, "submissions.a")
    async with AIOKafkaProducer(bootstrap_servers=empty_kafka, transactional_id=f"partner-{id(bus)}") as producer:
        await producer.begin_transaction()
        await producer.send_and_wait("submissions.a", b"taken back")
        await producer.abort_transaction()
        async with producer.transaction():
            await producer.send_and_wait("submissions.a", b"meant")
    await taken.become("submissions.a", b"meant")
    async with asyncio.timeout(20):
        while [lag.behind for lag in reading.lags()] != [0]:
            await asyncio.sleep(0.02)
    end = (await admin.list_consumer_group_offsets(f"test-{id(bus)}"))[PARTITION].offset
    await admin.delete_records({PARTITION: RecordsToDelete(before_offset=end)})
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
    await admin.delete_records({PARTITION: RecordsToDelete(before_offset=3)})
    later = KafkaBus(empty_kafka)
    later.subscribe(["submissions.a"], f"test-{id(bus)}", taken)
    with capture_logs() as said:
        await later.start([])
        await taken.become("submissions.a", b"0", None, b"3")
    await later.stop()
    assert [(record.offset, record.unread) for record in taken.records[1:]] == [(2, "gone-from-topic"), (3, "")]
    (line,) = [line for line in said if line["event"] == "records gone, taken or not"]
    assert (line["since"], line["until"]) == (1, 3)


async def test_what_was_lost_of_a_topic_of_which_nothing_was_ever_taken_is_said(
    bus: KafkaBus, admin: AIOKafkaAdminClient
) -> None:
    taken = Taken(b"0")
    await read(bus, taken, "submissions.a")
    await send(bus, "submissions.a", b"0", b"1")
    async with asyncio.timeout(20):
        while taken.attempts < 2:
            await asyncio.sleep(0.02)
    await admin.delete_records({PARTITION: RecordsToDelete(before_offset=2)})
    taken.refused.clear()
    await bus.stop_reading()
    later = KafkaBus(bus._bootstrap)
    later.subscribe(["submissions.a"], f"test-{id(bus)}", taken)
    await later.start([])
    await send(bus, "submissions.a", b"2")
    async with asyncio.timeout(20):
        while len(taken.records) < 2:
            await asyncio.sleep(0.02)
    await later.stop()
    assert [(record.offset, record.unread) for record in taken.records] == [(1, "gone-from-topic"), (2, "")]


async def test_what_was_lost_while_it_stood_still_is_said_though_nothing_comes_after(
    bus: KafkaBus, admin: AIOKafkaAdminClient
) -> None:
    taken = Taken()
    await read(bus, taken, "submissions.a")
    await send(bus, "submissions.a", b"0")
    await taken.become("submissions.a", b"0")
    taken.refused.add(b"1")
    attempts = taken.attempts
    await send(bus, "submissions.a", b"1")
    async with asyncio.timeout(20):
        while taken.attempts == attempts:
            await asyncio.sleep(0.02)
    await admin.delete_records({PARTITION: RecordsToDelete(before_offset=2)})
    async with asyncio.timeout(30):
        while len(taken.records) < 2:
            await asyncio.sleep(0.02)
    assert [(record.offset, record.unread) for record in taken.records] == [(0, ""), (1, "gone-from-topic")]


async def test_a_record_that_cannot_be_read_costs_nobody_a_record(bus: KafkaBus, empty_kafka: str) -> None:
    taken = Taken()
    await read(bus, taken, "submissions.a", "submissions.b")
    await send(bus, "submissions.a", b"before")
    await taken.become("submissions.a", b"before")
    await write_poison(empty_kafka)
    others = [b"%d" % number for number in range(40)]
    for value in others:
        await send(bus, "submissions.b", value)
        await send(bus, "submissions.a", value)
    await taken.become("submissions.a", b"before", None, *others)
    await taken.become("submissions.b", *others)
    assert [record.unread for record in taken.records if record.value is None] == ["not-readable"]


async def test_what_was_packed_before_the_topic_was_ours_is_passed(
    bus: KafkaBus, empty_kafka: str, admin: AIOKafkaAdminClient
) -> None:
    await admin.create_topics([NewTopic("submissions.a", 1, 1, topic_configs={"compression.type": "lz4"})])
    async with AIOKafkaProducer(bootstrap_servers=empty_kafka) as producer:
        sent = [await producer.send("submissions.a", b"packed" * 100) for _ in range(20)]
        await asyncio.gather(*sent)
    taken = Taken()
    await read(bus, taken, "submissions.a")
    await send(bus, "submissions.a", b"after")
    await taken.become("submissions.a", None, b"after")
    assert [record.unread for record in taken.records] == ["not-readable", ""]


async def test_a_record_that_cannot_be_read_is_said_once_whatever_was_taken_back_before_it(
    bus: KafkaBus, empty_kafka: str
) -> None:
    taken = Taken()
    bus.subscribe(["submissions.a"], f"test-{id(bus)}", taken)
    topics = Topics(empty_kafka, [], ["submissions.a"])
    await topics.start()
    await topics.stop()
    async with AIOKafkaProducer(bootstrap_servers=empty_kafka, transactional_id=f"partner-{id(bus)}") as producer:
        await producer.begin_transaction()
        for _ in range(20):
            await producer.send_and_wait("submissions.a", b"taken back")
        await producer.abort_transaction()
    await write_poison(empty_kafka)
    with capture_logs() as said:
        await bus.start([])
        await send(bus, "submissions.a", b"after")
        await taken.become("submissions.a", None, b"after")
    assert [record.unread for record in taken.records] == ["not-readable", ""]
    assert [line["records"] for line in said if line["event"] == "records not readable"]


async def test_a_record_that_goes_while_it_is_looked_at_holds_up_no_other_topic(
    bus: KafkaBus, empty_kafka: str, admin: AIOKafkaAdminClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, fetches, gone = Taken(), AIOKafkaConsumer.getmany, asyncio.Event()

    async def meanwhile(self: AIOKafkaConsumer, *partitions: TopicPartition, **limits: int) -> object:
        if limits["max_records"] == 1:
            await admin.delete_records({PARTITION: RecordsToDelete(before_offset=-1)})
            gone.set()
        return await fetches(self, *partitions, **limits)

    await read(bus, taken, "submissions.a", "submissions.b")
    await send(bus, "submissions.a", b"before")
    await taken.become("submissions.a", b"before")
    monkeypatch.setattr(AIOKafkaConsumer, "getmany", meanwhile)
    await write_poison(empty_kafka)
    await asyncio.wait_for(gone.wait(), 20)
    await send(bus, "submissions.b", b"1")
    await taken.become("submissions.b", b"1")
