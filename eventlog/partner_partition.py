"""One partition of a topic that a partner writes: taken in order, committed after it is durable, never passed over.

A record that cannot be read at all is handed on as unreadable and passed. (One whose header's name is no UTF-8, or
that was packed before the topic was ours, makes the client library raise while it fetches; the broker accepts such a
record from anyone who may write.)
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import monotonic, time
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, UnsupportedCodecError

from eventlog.errors import describe
from eventlog.wire import Incoming, Unread, incoming

_MOST_RECORDS = 2000
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.1, 5.0
_TO_LOOK_SECONDS = 1.0
_UNREADABLE = (ValueError, UnsupportedCodecError)
"""Not what a broker's disk has spoilt: the broker that takes over may have it whole."""

log = structlog.get_logger()

Take = Callable[[Sequence[Incoming]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class TopicLag:
    """How many records of `topic` were not taken, and the age of those that are tried now.

    `still`: for how many seconds they have been tried, or nobody was seen to take any.
    """

    topic: str
    behind: int
    seconds: float
    still: float


class PartnerPartition:
    """Where a consumer is in one partition of a partner's topic, and how it goes on from there."""

    def __init__(self, consumer: AIOKafkaConsumer, partition: TopicPartition, take: Take) -> None:
        self._consumer, self._partition, self._take = consumer, partition, take
        self._next: int | None = None
        self._gone: list[Incoming] = []
        self._since: float | None = None
        self._came_ms: int | None = None
        """When the first record of the last batch came to the broker."""
        self._wait, self._not_before = 0.0, 0.0
        self._unreadable = range(0)
        """The offsets of the last run of records that could not be read."""

    def lag(self) -> TopicLag:
        end = self._consumer.highwater(self._partition) if self._next is not None else None
        behind = 0 if end is None or self._next is None else max(0, end - self._next)
        still = 0.0 if self._since is None else monotonic() - self._since
        if behind == 0 or self._came_ms is None:
            return TopicLag(self._partition.topic, behind, still, still)
        return TopicLag(self._partition.topic, behind, max(still, time() - self._came_ms / 1000), still)

    async def advance(self) -> bool:
        """Whether records were taken. Where that fails they are read again, after a pause."""
        if monotonic() < self._not_before:
            return False
        if self._since is None:
            self._since = monotonic()
        try:
            taken = await self._take_next()
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing was committed and it is tried again
            self._wait = wait = min(max(self._wait * 2, _FIRST_WAIT_SECONDS), _LONGEST_WAIT_SECONDS)
            self._not_before = monotonic() + wait
            log.error("partner topic not taken, will try again", error=describe(error), seconds=wait, **self._at())
            return False
        self._since, self._wait = None, 0.0
        return taken

    async def _take_next(self) -> bool:
        records = await self._fetch()
        if not records:
            await self._pass_what_is_no_record()
            return False
        try:
            if records[0].offset != self._next:
                self._gone = await self._gone_since()
                self._next = records[0].offset
            await self._take([*self._gone, *records])
        except Exception:
            if self._partition in self._consumer.assignment():
                self._consumer.seek(self._partition, records[0].offset)
            raise
        await self._commit(records[-1].offset + 1)
        return True

    async def _pass_what_is_no_record(self) -> None:
        """The ends of transactions, and what was taken back, have offsets too."""
        if self._next is None or self._unreadable or self._partition not in self._consumer.assignment():
            return
        async with asyncio.timeout(_TO_LOOK_SECONDS):  # It waits where the place is being asked for anew.
            position = await self._consumer.position(self._partition)
        if position > self._next:
            if gone := await self._gone_since():
                await self._take(gone)
            await self._commit(position)

    async def _commit(self, offset: int) -> None:
        self._next, self._gone = offset, []
        if offset >= (self._consumer.highwater(self._partition) or 0):
            self._came_ms = None
        try:
            await self._consumer.commit({self._partition: offset})
        except KafkaError as error:
            # The group was rebalanced, or the broker is away: whoever gets these records again finds their outcome.
            log.warning("offset not committed", error=type(error).__name__, **self._at())

    async def _fetch(self) -> list[Incoming]:
        try:
            fetched = await self._consumer.getmany(self._partition, timeout_ms=0, max_records=_MOST_RECORDS)
        except _UNREADABLE:
            return await self._fetch_one()
        return self._read(fetched.get(self._partition, ()))

    async def _fetch_one(self) -> list[Incoming]:
        """The next record by itself, or in place of one that cannot be read that there was one: said once of a run."""
        try:
            wait_ms = int(1000 * _TO_LOOK_SECONDS)
            fetched = await self._consumer.getmany(self._partition, timeout_ms=wait_ms, max_records=1)
        except _UNREADABLE:
            offset = await self._consumer.position(self._partition)
            self._consumer.seek(self._partition, offset + 1)
            if self._unreadable and self._unreadable.stop == offset:
                self._unreadable = range(self._unreadable.start, offset + 1)
                return []
            self._unreadable = range(offset, offset + 1)
            return [self._unread(offset, "not-readable")]
        return self._read(fetched.get(self._partition, ()))

    def _read(self, fetched: Sequence[Any]) -> list[Incoming]:
        if fetched:
            self._came_ms = fetched[0].timestamp
        records = [incoming(record) for record in fetched]
        if records and (unreadable := self._unreadable):
            self._unreadable = range(0)
            # What came before the first of them and was taken back is among them: it cannot be told apart.
            log.error("records not readable", offset=unreadable.start, records=len(unreadable), **self._at())
        return records

    async def _gone_since(self) -> list[Incoming]:
        """That the topic no longer has what came after the last commit: it stood still too long.

        Where the broker has forgotten how far this group was, as after a week without it, that cannot be known.
        """
        committed = await self._consumer.committed(self._partition)
        (beginning,) = (await self._consumer.beginning_offsets([self._partition])).values()
        if beginning <= (committed or 0):
            return []
        log.error("records gone, taken or not", since=committed, until=beginning, **self._at())
        return [self._unread(beginning - 1, "gone-from-topic")]

    def _unread(self, offset: int, why: Unread) -> Incoming:
        return Incoming(self._partition.topic, self._partition.partition, offset, None, [], None, why)

    def _at(self) -> dict[str, str | int]:
        return {"topic": self._partition.topic, "partition": self._partition.partition}
