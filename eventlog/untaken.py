"""What lies in partners' topics that are not this process's to read, where nobody takes it.

Another instance reads them, as it should; but the group may also have given them to somebody who reads nothing, as a
tool of an operator in the same group, and no instance would say a word of them.
"""

import asyncio
from collections.abc import Collection
from time import monotonic

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from eventlog.errors import describe
from eventlog.partner_partition import TopicLag

_LOOK_SECONDS = 5.0
_TO_LOOK_SECONDS = 10.0
_LONG_SECONDS = 30.0
"""So long an instance may take for a batch, or a group to divide the topics anew."""

log = structlog.get_logger()


class Untaken:
    """Looks at the topics again and again while `run` does."""

    def __init__(self, consumer: AIOKafkaConsumer, topics: Collection[str]) -> None:
        self._consumer, self._topics = consumer, topics
        self._seen: dict[TopicPartition, tuple[int, int, float]] = {}
        """partition -> (committed, end, since when nothing more was committed)"""

    async def run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_TO_LOOK_SECONDS):
                    await self._look()
            except Exception as error:  # noqa: BLE001 - what was seen before must not stand for what is now
                self._seen.clear()
                if not isinstance(error, (KafkaError, TimeoutError)):  # That the broker is away is said elsewhere.
                    log.error("could not look at the topics of other instances", error=describe(error))
            await asyncio.sleep(_LOOK_SECONDS)

    def lags(self) -> list[TopicLag]:
        found = []
        ours = self._consumer.assignment()
        for partition, (committed, end, since) in self._seen.items():
            if partition not in ours and end > committed and (still := monotonic() - since) > _LONG_SECONDS:
                found.append(TopicLag(partition.topic, end - committed, still, still))
        return found

    async def _look(self) -> None:
        consumer, ours = self._consumer, self._consumer.assignment()
        every = [
            TopicPartition(one, number) for one in self._topics for number in consumer.partitions_for_topic(one) or ()
        ]
        others = [partition for partition in every if partition not in ours]
        ends = await consumer.end_offsets(others) if others else {}
        seen = {}
        for partition, end in ends.items():
            committed = await consumer.committed(partition) or 0
            was, _, since = self._seen.get(partition, (None, 0, 0.0))
            seen[partition] = (committed, end, since if was == committed < end else monotonic())
        self._seen = seen
