"""Reads the topics that partners write: here the broker's offset is all there is, so it moves past durable work only.

Each partition is fetched by itself, and one that fails is tried again after a pause of its own: no partner waits for
another.
"""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from eventlog.partner_partition import PartnerPartition, Take, TopicLag
from eventlog.topics import LEARNED_MS
from eventlog.untaken import Untaken

_IDLE_SECONDS = 0.02


class PartnerTopics:
    """Calls `take` with each batch of `topics`, again and again until it returns, and only then commits its offset."""

    def __init__(self, bootstrap: str, topics: Sequence[str], group: str, take: Take) -> None:
        self.topics = topics
        self._bootstrap, self._group, self._take = bootstrap, group, take
        self._consumer: AIOKafkaConsumer | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._untaken: Untaken | None = None
        self._partitions: dict[TopicPartition, PartnerPartition] = {}

    async def start(self) -> None:
        self._consumer = AIOKafkaConsumer(
            *self.topics,
            bootstrap_servers=self._bootstrap,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=50,
            metadata_max_age_ms=LEARNED_MS,
        )
        await self._consumer.start()
        self._untaken = Untaken(self._consumer, self.topics)
        self._tasks = [
            asyncio.create_task(self._run(self._consumer), name=f"topics {self._group}"),
            asyncio.create_task(self._untaken.run(), name=f"untaken {self._group}"),
        ]

    async def stop(self) -> None:
        """What is under way is not committed: the next process gets it again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._consumer is not None:
            await self._consumer.stop()

    def lags(self) -> list[TopicLag]:
        """Of the topics whose partitions are this process's to read, and of those that nobody was seen to take from."""
        ours = self._consumer.assignment() if self._consumer else ()
        lags = [reading.lag() for partition, reading in self._partitions.items() if partition in ours]
        lags += self._untaken.lags() if self._untaken else ()
        found: dict[str, TopicLag] = {}
        for lag in lags:
            had = found.get(lag.topic, TopicLag(lag.topic, 0, 0.0, 0.0))
            seconds, still = max(had.seconds, lag.seconds), max(had.still, lag.still)
            found[lag.topic] = TopicLag(lag.topic, had.behind + lag.behind, seconds, still)
        return [found[topic] for topic in sorted(found)]

    async def _run(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            # One that went to another instance and comes back begins anew: it has been read on meanwhile.
            self._partitions = {
                one: self._partitions.get(one) or PartnerPartition(consumer, one, self._take)
                for one in consumer.assignment()
            }
            taken = [await one.advance() for one in self._partitions.values()]
            if not any(taken):
                await asyncio.sleep(_IDLE_SECONDS)
