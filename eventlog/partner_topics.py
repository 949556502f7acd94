"""Reads the topics that partners write: here the broker's offset is all there is, so it moves past durable work only.

Each partition is fetched by itself, and one that fails is tried again after a pause of its own: no partner waits for
another. A record that cannot be read at all is handed on as unreadable and passed over. (One whose header's name is no
UTF-8 makes the client library raise while it fetches; the broker accepts such a record from anyone who may write.)
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import monotonic

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from eventlog.errors import describe
from eventlog.wire import Incoming, incoming

_MOST_RECORDS = 2000
_IDLE_SECONDS = 0.02
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.1, 5.0

log = structlog.get_logger()

Take = Callable[[Sequence[Incoming]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class TopicLag:
    """How many records of `topic` were not taken, and for how many seconds the first of them has been tried."""

    topic: str
    behind: int
    seconds: float


class PartnerTopics:
    """Calls `take` with each batch of `topics`, again and again until it returns, and only then commits its offset."""

    def __init__(self, bootstrap: str, topics: Sequence[str], group: str, take: Take) -> None:
        self.topics = topics
        self._bootstrap, self._group, self._take = bootstrap, group, take
        self._consumer: AIOKafkaConsumer | None = None
        self._task: asyncio.Task[None] | None = None
        self._places: dict[TopicPartition, _Place] = {}

    async def start(self) -> None:
        self._consumer = AIOKafkaConsumer(
            *self.topics,
            bootstrap_servers=self._bootstrap,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=50,
        )
        await self._consumer.start()
        self._task = asyncio.create_task(self._run(self._consumer), name=f"topics {self._group}")

    async def stop(self) -> None:
        """What is under way is not committed: the next process gets it again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._consumer is not None:
            await self._consumer.stop()

    def lags(self) -> list[TopicLag]:
        """Of the partitions that are this process's to read."""
        return sorted((place.lag() for place in self._places.values()), key=lambda lag: lag.topic)

    async def _run(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            # One that went to another instance and comes back begins anew: it has been read on meanwhile.
            self._places = {
                one: self._places.get(one) or _Place(consumer, one, self._take) for one in consumer.assignment()
            }
            taken = [await place.advance() for place in self._places.values()]
            if not any(taken):
                await asyncio.sleep(_IDLE_SECONDS)


class _Place:
    """Where this consumer is in one partition."""

    def __init__(self, consumer: AIOKafkaConsumer, partition: TopicPartition, take: Take) -> None:
        self._consumer, self._partition, self._take = consumer, partition, take
        self._next: int | None = None
        self._to_take: int | None = None
        self._since: float | None = None
        self._wait, self._not_before = 0.0, 0.0

    def lag(self) -> TopicLag:
        end = self._consumer.highwater(self._partition) if self._to_take is not None else None
        behind = 0 if end is None or self._to_take is None else max(0, end - self._to_take)
        return TopicLag(self._partition.topic, behind, 0.0 if self._since is None else monotonic() - self._since)

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
            return False
        self._to_take = records[0].offset
        try:
            await self._take([*await self._gone_before(records[0]), *records])
        except Exception:
            if self._partition in self._consumer.assignment():
                self._consumer.seek(self._partition, records[0].offset)
            raise
        self._next = self._to_take = records[-1].offset + 1
        try:
            await self._consumer.commit({self._partition: self._next})
        except KafkaError as error:
            # The group was rebalanced, or the broker is away: whoever gets these records again finds their outcome.
            log.warning("offset not committed", error=type(error).__name__, **self._at())
        return True

    async def _fetch(self) -> list[Incoming]:
        try:
            fetched = await self._consumer.getmany(self._partition, timeout_ms=0, max_records=_MOST_RECORDS)
            return [incoming(record) for record in fetched.get(self._partition, ())]
        except ValueError:
            return [await self._fetch_one()]

    async def _fetch_one(self) -> Incoming:
        """The next record by itself, or in place of one that cannot be read that there was one."""
        try:
            return incoming(await self._consumer.getone(self._partition))
        except ValueError:
            offset = await self._consumer.position(self._partition)
            log.error("record not readable", offset=offset, **self._at())
            self._consumer.seek(self._partition, offset + 1)
            return self._unread(offset, "not-readable")

    async def _gone_before(self, first: Incoming) -> list[Incoming]:
        """That the topic no longer had what comes before `first`, where that was not taken: it stood still too long."""
        if first.offset == self._next:
            return []
        # An offset may also be the broker's own, the end of a transaction; and another instance may have read on.
        committed = await self._consumer.committed(self._partition)
        (beginning,) = (await self._consumer.beginning_offsets([self._partition])).values()
        if committed is None or beginning <= committed:
            return []
        log.error("records gone before they were taken", offset=committed, records=beginning - committed, **self._at())
        return [self._unread(committed, "gone-from-topic")]

    def _unread(self, offset: int, why: str) -> Incoming:
        return Incoming(self._partition.topic, self._partition.partition, offset, None, [], None, why)

    def _at(self) -> dict[str, str | int]:
        return {"topic": self._partition.topic, "partition": self._partition.partition}
