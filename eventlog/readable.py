"""What can be read of our own topics: past what the client library cannot read, and with what lies ready behind it.

Of a header's name that is no UTF-8, a codec it lacks or broken bytes aiokafka makes an error, and again each time it is
asked; FastStream would ask for ever. Nothing is lost: the ledger has the event, and the reader asks for what it misses.
"""

import asyncio
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


class PastUnreadable(AIOKafkaConsumer):  # type: ignore[misc]  # the library has no types
    """A consumer that passes what it cannot read."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._passed: dict[TopicPartition, int] = {}
        """partition -> the offset behind the last that was passed"""
        self._one_by_one: set[TopicPartition] = set()
        """Where an error lies ahead, which takes with it what was read before it at once."""

    async def getone(self, *partitions: TopicPartition) -> Any:
        while True:
            try:
                return await super().getone(*partitions)
            except _UNREADABLE:
                if (record := await self._look()) is not None:
                    return record

    async def ready(self) -> list[Any]:
        """What lies ready behind the record that FastStream brought: to bring batches it would sleep in between."""
        records: list[Any] = []
        try:
            async with asyncio.timeout(_TO_LOOK_SECONDS):  # It waits while the group is rebalanced.
                for partition in self.assignment():  # Each by itself: an error takes what was brought of others.
                    records += await self._ready_in(partition)
        except Exception as error:  # noqa: BLE001 - what is in hand goes on, and the rest comes again
            log.warning("nothing taken along with a record", error=describe(error))
        return records

    async def _ready_in(self, partition: TopicPartition) -> list[Any]:
        if partition not in self._one_by_one:
            try:
                fetched = await self.getmany(partition, timeout_ms=0, max_records=_MOST_RECORDS)
                return list(fetched.get(partition, ()))
            except _UNREADABLE:
                self._one_by_one.add(partition)
                return []
        records: list[Any] = []
        try:
            while fetched := await self.getmany(partition, timeout_ms=0, max_records=1):
                records += fetched[partition]
        except _UNREADABLE as error:
            if not records:  # Also while others always have something, which would hide it from the look.
                self._pass(partition, await self.position(partition), error)
            return records
        if records:
            self._one_by_one.remove(partition)
        return records

    async def _look(self) -> Any:
        """Pass what cannot be read, or bring what can: the error does not say in which partition it was."""
        for partition in self.assignment():
            try:
                async with asyncio.timeout(_TO_LOOK_SECONDS):
                    offset = await self.position(partition)
            except (TimeoutError, IllegalStateError):
                continue  # It has no leader now, for which this would wait, or is another instance's.
            if (self.highwater(partition) or 0) <= offset:
                continue
            try:
                fetched = await self.getmany(partition, timeout_ms=_TO_FETCH_MS, max_records=1)
            except _UNREADABLE as error:
                self._pass(partition, offset, error)
            else:
                for records in fetched.values():
                    return records[0]
        return None

    def _pass(self, partition: TopicPartition, offset: int, error: Exception) -> None:
        self.seek(partition, offset + 1)
        if self._passed.get(partition) != offset:  # Said once of a run.
            about = {"topic": partition.topic, "partition": partition.partition, "offset": offset}
            log.error("records not readable, left to the ledger", error=describe(error), **about)
        self._passed[partition] = offset + 1
