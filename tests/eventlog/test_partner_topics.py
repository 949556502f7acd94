"""What partners write on a real broker: taken in order and never passed over, whatever one of them sends or fails."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError

from eventlog import topics as topics_module
from eventlog.bus_kafka import KafkaBus
from eventlog.wire import Incoming
from tests.eventlog.partner_sends import MANY, Taken, read, send


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
    settings = await settings_of(admin, "submissions.a")
    assert settings["retention.ms"] == "86400000"
    assert settings["message.timestamp.type"] == "LogAppendTime"


async def test_what_partners_sent_is_gone_from_their_topic_after_a_week(
    bus: KafkaBus, admin: AIOKafkaAdminClient
) -> None:
    """It is personal data in the clear; what becomes of it lies in the ledger, sealed."""
    await read(bus, Taken(), "submissions.a")
    settings = await settings_of(admin, "submissions.a")
    week, day = timedelta(days=7), timedelta(days=1)
    kept, begun_anew = (timedelta(milliseconds=int(settings[name])) for name in ("retention.ms", "segment.ms"))
    assert (settings["cleanup.policy"], kept, begun_anew) == ("delete", week, day)
    assert settings["message.timestamp.type"] == "LogAppendTime", "from when it came, whatever its sender's clock says"


async def settings_of(admin: AIOKafkaAdminClient, topic: str) -> dict[str, str]:
    asked = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    return {name: value for name, value, *_ in asked[0].resources[0][4]}


async def test_a_broker_is_asked_for_many_topics_a_few_at_a_time(
    bus: KafkaBus, admin: AIOKafkaAdminClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topics_module, "_AT_ONCE", 2)
    many = [f"submissions.{number}" for number in range(5)]
    await read(bus, Taken(), *many)
    assert {*many} <= {*await admin.list_topics()}


async def test_the_age_is_that_of_what_came_and_not_of_what_is_tried(bus: KafkaBus) -> None:
    taken = Taken()
    await read(bus, taken, "submissions.a")
    await send(bus, "submissions.a", b"first")
    await taken.become("submissions.a", b"first")
    await bus.stop_reading()
    await send(bus, "submissions.a", b"lay long")
    await asyncio.sleep(1.5)
    taken.refused.add(b"lay long")
    again = KafkaBus(bus._bootstrap)
    reading = again.subscribe(["submissions.a"], f"test-{id(bus)}", taken)
    try:
        await again.start([])
        async with asyncio.timeout(20):
            while not [lag for lag in reading.lags() if lag.behind and lag.seconds > lag.still + 1]:
                await asyncio.sleep(0.02)
        taken.refused.clear()
        await taken.become("submissions.a", b"first", b"lay long")
        async with asyncio.timeout(20):
            while [(lag.behind, lag.seconds) for lag in reading.lags()] != [(0, 0.0)]:
                await asyncio.sleep(0.02)
    finally:
        await again.stop()


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


async def test_what_was_fetched_comes_again_where_the_broker_does_not_say_how_far_we_were(
    bus: KafkaBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed, asked = AIOKafkaConsumer.committed, 0

    async def silent_at_first(self: AIOKafkaConsumer, partition: TopicPartition) -> int | None:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise KafkaConnectionError
        found: int | None = await committed(self, partition)
        return found

    monkeypatch.setattr(AIOKafkaConsumer, "committed", silent_at_first)
    taken = Taken()
    await read(bus, taken, "submissions.a")
    await send(bus, "submissions.a", b"one")
    await taken.become("submissions.a", b"one")
    assert asked == 3


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


async def test_who_asks_for_the_lag_while_topics_change_hands_is_answered(bus: KafkaBus, empty_kafka: str) -> None:
    busy, go_on = asyncio.Event(), asyncio.Event()

    async def slow(records: Sequence[Incoming]) -> None:
        busy.set()
        await go_on.wait()

    topics = ["submissions.a", "submissions.b"]
    reading = bus.subscribe(topics, f"test-{id(bus)}", slow)
    await bus.start([])
    await send(bus, "submissions.a", b"1")
    await asyncio.wait_for(busy.wait(), 20)
    other = KafkaBus(empty_kafka)
    taken = Taken()
    other.subscribe(topics, f"test-{id(bus)}", taken)
    joining = asyncio.create_task(other.start([]))
    lags = [reading.lags()]
    async with asyncio.timeout(20):
        while len(lags[-1]) == 2:
            lags.append(reading.lags())
            await asyncio.sleep(0.01)
    go_on.set()
    await joining
    await other.stop()
