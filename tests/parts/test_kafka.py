"""The Kafka of the tests is real: it keeps its log through kill -9 and answers again after a freeze."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.parts.kafka import Broker


async def make_topic(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    await admin.close()


async def send(bootstrap: str, topic: str, *values: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True)
    await producer.start()
    for value in values:
        await producer.send_and_wait(topic, value)
    await producer.stop()


async def read(bootstrap: str, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        return [(await asyncio.wait_for(consumer.getone(), 20)).value for _ in range(count)]
    finally:
        await consumer.stop()


async def test_what_is_sent_is_read(empty_kafka: str) -> None:
    await make_topic(empty_kafka, "letters")
    await send(empty_kafka, "letters", b"a", b"b")
    assert await read(empty_kafka, "letters", 2) == [b"a", b"b"]


async def test_a_topic_nobody_made_does_not_appear(empty_kafka: str) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=empty_kafka, request_timeout_ms=2000)
    await producer.start()
    with pytest.raises(Exception, match=r"(?i)topic|timeout"):
        await producer.send_and_wait("misspelt", b"a")
    await producer.stop()


async def test_the_log_survives_kill_9_and_a_freeze(own_kafka_broker: Broker) -> None:
    address = own_kafka_broker.bootstrap
    await make_topic(address, "letters")
    await send(address, "letters", b"a")
    own_kafka_broker.kill()
    own_kafka_broker.start()
    assert own_kafka_broker.bootstrap == address
    await send(address, "letters", b"b")
    own_kafka_broker.pause()
    waiting = asyncio.create_task(read(address, "letters", 2))
    await asyncio.sleep(1)
    assert not waiting.done()
    own_kafka_broker.resume()
    assert await waiting == [b"a", b"b"]
