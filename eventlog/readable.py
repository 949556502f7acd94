"""What can be read of our own topics: past what the client library cannot read, and with what lies ready behind it.

Of a header's name that is no UTF-8, a codec it lacks or broken bytes aiokafka makes an error, and again each time it is
asked; FastStream would ask for ever. Nothing is lost: the ledger has the event, and the reader asks for what it misses.
"""

import asyncio
from collections.abc import Callable
from random import sample
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CorruptRecordException, IllegalStateError, UnsupportedCodecError

from eventlog.errors import describe

_MOST_RECORDS = 2000
_TO_LOOK_SECONDS = 0.1
_TO_FETCH_MS = 1000  # It may wait for what was asked before.
_UNREADABLE = (ValueError, CorruptRecordException, UnsupportedCodecError)

log = structlog.get_logger()


def reading_past(make: Callable[..., AIOKafkaConsumer], **options: Any) -> AIOKafkaConsumer:
    """A consumer as `make` gives it, which passes what it cannot read; before FastStream first asks it for a record."""
    consumer = make(**options)
    consumer.getone = PastUnreadable(consumer).getone
    return consumer


class PastUnreadable:
    """Brings the next record that can be read."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._getone = consumer.getone
        self._passed: dict[TopicPartition, int] = {}
        """partition -> the offset behind the last that was passed"""

    async def getone(self) -> Any:
        """What FastStream asks the consumer for."""
        while True:
            try:
                return await self._getone()
            except _UNREADABLE:
                if (record := await self._look()) is not None:
                    return record

    async def _look(self) -> Any:
        """Pass what cannot be read, or bring what can: the error does not say in which partition it was."""
        assigned = sorted(self._consumer.assignment())
        for partition in sample(assigned, len(assigned)):  # One that always has something would hide the others.
            try:
                async with asyncio.timeout(_TO_LOOK_SECONDS):
                    offset = await self._consumer.position(partition)
            except (TimeoutError, IllegalStateError):
                continue  # It has no leader now, for which this would wait, or is another instance's.
            if (self._consumer.highwater(partition) or 0) <= offset:
                continue
            try:
                fetched = await self._consumer.getmany(partition, timeout_ms=_TO_FETCH_MS, max_records=1)
            except _UNREADABLE as error:
                self._pass(partition, offset, error)
            else:
                for records in fetched.values():
                    return records[0]
        return None

    def _pass(self, partition: TopicPartition, offset: int, error: Exception) -> None:
        self._consumer.seek(partition, offset + 1)
        if self._passed.get(partition) != offset:  # Said once of a run.
            about = {"topic": partition.topic, "partition": partition.partition, "offset": offset}
            log.error("records not readable, left to the ledger", error=describe(error), **about)
        self._passed[partition] = offset + 1


async def what_came_with(consumer: AIOKafkaConsumer) -> list[Any]:
    """The records that lie ready behind the one that FastStream brought: to bring batches it would sleep in between."""
    records: list[Any] = []
    try:
        async with asyncio.timeout(_TO_LOOK_SECONDS):  # It waits while the group is rebalanced.
            for partition in consumer.assignment():
                records += await _ready(consumer, partition)
    except Exception as error:  # noqa: BLE001 - what is in hand goes on, and the rest comes again
        log.warning("nothing taken along with a record", error=describe(error))
    return records


async def _ready(consumer: AIOKafkaConsumer, partition: TopicPartition) -> list[Any]:
    """Of one partition, as an error takes with it what was brought of others."""
    try:
        fetched = await consumer.getmany(partition, timeout_ms=0, max_records=_MOST_RECORDS)
    except _UNREADABLE:
        return []  # It is passed when it is the next.
    return list(fetched.get(partition, ()))
