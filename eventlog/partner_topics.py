"""Reads the topics that partners write: here the broker's offset is all there is, so it moves past durable work only.

One partition at a time is fetched: when a record cannot be read at all, nothing of another partition has been taken out
of the consumer, and the record itself is handed on as unreadable and passed over. (A record whose header's name is no
UTF-8 makes the client library raise while it fetches; the broker accepts such a record from anyone who may write.)
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from eventlog.errors import describe
from eventlog.wire import Incoming

_MOST_RECORDS = 2000
_IDLE_SECONDS = 0.02
_LONGEST_WAIT_SECONDS = 5.0

log = structlog.get_logger()

Take = Callable[[Sequence[Incoming]], Awaitable[None]]


class PartnerTopics:
    """Calls `take` with each batch of `topics`, again and again until it returns, and only then commits its offset."""

    def __init__(self, bootstrap: str, topics: Sequence[str], group: str, take: Take) -> None:
        self._bootstrap, self._topics, self._group, self._take = bootstrap, topics, group, take
        self._consumer: AIOKafkaConsumer | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._consumer = AIOKafkaConsumer(
            *self._topics,
            bootstrap_servers=self._bootstrap,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
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

    async def _run(self, consumer: AIOKafkaConsumer) -> None:
        wait = _IDLE_SECONDS
        while True:
            try:
                taken = [await self._from_partition(consumer, partition) for partition in consumer.assignment()]
                wait = _IDLE_SECONDS
            except Exception as error:  # noqa: BLE001 - whatever it is, nothing was committed and it is tried again
                wait = min(max(wait * 2, 0.1), _LONGEST_WAIT_SECONDS)
                log.error("partner topics not taken, will try again", error=describe(error), seconds=wait)
                taken = []
            if not any(taken):
                await asyncio.sleep(wait)

    async def _from_partition(self, consumer: AIOKafkaConsumer, partition: TopicPartition) -> int:
        """How many records were taken and committed. What fails is read again from the committed offset."""
        try:
            records = await _fetch(consumer, partition)
            if records:
                await self._take(records)
                await consumer.commit({partition: records[-1].offset + 1})
            return len(records)
        except KafkaError as error:
            # The group was rebalanced, or the broker is away: whoever gets these records again finds their outcome.
            log.warning("offset not committed", topic=partition.topic, error=type(error).__name__)
            await asyncio.sleep(_IDLE_SECONDS)
            return 0
        except Exception:
            await self._rewind(consumer, partition)
            raise

    async def _rewind(self, consumer: AIOKafkaConsumer, partition: TopicPartition) -> None:
        committed = await consumer.committed(partition)
        if committed is None:
            await consumer.seek_to_beginning(partition)
        else:
            consumer.seek(partition, committed)


async def _fetch(consumer: AIOKafkaConsumer, partition: TopicPartition) -> list[Incoming]:
    try:
        fetched = await consumer.getmany(partition, timeout_ms=0, max_records=_MOST_RECORDS)
        return [incoming(record) for record in fetched.get(partition, ())]
    except ValueError:
        return [await _fetch_one(consumer, partition)]


async def _fetch_one(consumer: AIOKafkaConsumer, partition: TopicPartition) -> Incoming:
    """The next record by itself; in place of one that cannot be read an empty one, which is taken for nobody's."""
    try:
        return incoming(await consumer.getone(partition))
    except ValueError:
        offset = await consumer.position(partition)
        log.error("record not readable", topic=partition.topic, partition=partition.partition, offset=offset)
        consumer.seek(partition, offset + 1)
        return Incoming(partition.topic, partition.partition, offset, None, {}, None)


def incoming(record: Any) -> Incoming:
    """The record as it came; one that names a header twice could be read in two ways, so it is handed on empty."""
    headers = dict(record.headers)
    if len(headers) != len(record.headers):
        return Incoming(record.topic, record.partition, record.offset, None, {}, None)
    return Incoming(record.topic, record.partition, record.offset, record.key, headers, record.value)
