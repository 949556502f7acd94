"""What partners write in these tests, and who takes it."""

import asyncio
import os
import sys
from collections.abc import Sequence

from aiokafka import TopicPartition

from eventlog.bus_kafka import KafkaBus
from eventlog.partner_topics import PartnerTopics
from eventlog.wire import Incoming, Outgoing

MANY = 1 << 30
PARTITION = TopicPartition("submissions.a", 0)


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


async def read(bus: KafkaBus, take: Taken, *topics: str) -> PartnerTopics:
    reading = bus.subscribe(topics, f"test-{id(bus)}", take)
    await bus.start([])
    return reading


async def send(bus: KafkaBus, topic: str, *values: bytes) -> None:
    await bus.publish([Outgoing(topic, b"k", [], value) for value in values])


POISON = """
import asyncio, sys
from aiokafka import AIOKafkaProducer

class NoText(str):
    def encode(self, *how):
        return b"ce_\\xff"

async def main():
    async with AIOKafkaProducer(bootstrap_servers=sys.argv[1]) as producer:
        headers = [(NoText("x"), b"v")]
        await producer.send_and_wait(sys.argv[2], b"poison", partition=int(sys.argv[3]), headers=headers)

asyncio.run(main())
"""
"""Writes a record whose header's name is no UTF-8: the broker takes it, the client library raises when it reads it."""


async def write_poison(bootstrap: str, topic: str = "submissions.a", partition: int = 0) -> None:
    # The compiled part of the library encodes names itself; the other one lets a test write a bad one.
    environment = os.environ | {"AIOKAFKA_NO_EXTENSIONS": "1"}
    writing = await asyncio.create_subprocess_exec(
        sys.executable, "-c", POISON, bootstrap, topic, str(partition), env=environment
    )
    assert await writing.wait() == 0
