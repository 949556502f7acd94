"""The Kafka bus between the services, and between them and the partners.

The broker's offsets are a hint: what has had its effect stands in the reader's position. A handler returns when all of
its batch is committed or left to the watch, and only then may acknowledge; it never raises past a record. FastStream
brings the records (raw, acknowledged by hand); the producer is aiokafka's, idempotent, because FastStream's batch
publishing gives one key to all.
"""

import asyncio
from collections.abc import Awaitable, Collection, Sequence
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaAckableMessage

from eventlog.delivery import EVER, Delivery
from eventlog.partner_partition import Take
from eventlog.partner_topics import PartnerTopics
from eventlog.readable import PastUnreadable
from eventlog.reader import Follower
from eventlog.topics import LEARNED_MS, Topics
from eventlog.wire import Outgoing, events_topic

# While a batch takes its time aiokafka asks for the other partitions, and for this one only when that is answered.
_LONGEST_FETCH_MS = 50
# The broker is told at most so often: the next batch waits for its answer, and what it gets again is skipped.
_ACKNOWLEDGED_SECONDS = 1.0
_GRACE_SECONDS = 3.0  # What is under way by then is undone and delivered again
_TO_STOP_SECONDS = _GRACE_SECONDS + 2  # FastStream stops its consumers after its grace

log = structlog.get_logger()


class KafkaBus:
    """One process's connection to the broker."""

    def __init__(self, bootstrap: str, begun: datetime = EVER) -> None:
        """Of what was recorded before `begun` a topic only says that there is something to read from its ledger."""
        self._bootstrap, self._begun = bootstrap, begun
        self._broker = KafkaBroker(
            bootstrap,
            allow_auto_create_topics=False,
            logger=None,
            metadata_max_age_ms=LEARNED_MS,
            graceful_timeout=_GRACE_SECONDS,
            apply_types=False,  # What a handler gets is the message as it is: nothing is to be injected or converted.
        )
        self._producer: AIOKafkaProducer | None = None
        self._reading = False
        self._partner_topics: list[PartnerTopics] = []
        self._topics: Topics | None = None

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """Publish in order; returns when the broker has all of them."""
        if self._producer is None:
            raise RuntimeError("publish before start: the bus has no connection yet")
        sent = [
            await self._producer.send(record.topic, value=record.value, key=record.key, headers=record.headers)
            for record in records
        ]
        await asyncio.gather(*sent)

    def follow(self, follower: Follower, group: str) -> None:
        """Deliver the events of the follower's source; several processes with one group share the ledgers."""

        async def unparsed(raw: Any) -> KafkaAckableMessage:
            # FastStream's own parser decodes every header as UTF-8 and would stop at a partner's bad one.
            return KafkaAckableMessage(body=b"", headers={}, raw_message=raw, consumer=subscriber.consumer)

        subscriber: Any = self._broker.subscriber(
            events_topic(follower.reader.source),
            group_id=group,
            fetch_max_wait_ms=_LONGEST_FETCH_MS,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            parser=unparsed,
            decoder=_whole,
        )

        delivery, acknowledged = Delivery(follower, group, self._begun), monotonic()

        async def handle(message: KafkaAckableMessage) -> None:
            nonlocal acknowledged
            consumer: Any = message.consumer
            batch = [message.raw_message, *await consumer.ready()]
            await delivery.take(batch)
            if monotonic() - acknowledged >= _ACKNOWLEDGED_SECONDS:
                acknowledged = monotonic()
                await _acknowledge(message, group)
            await asyncio.sleep(follower.patience_seconds)

        subscriber(handle)

    def subscribe(self, topics: Sequence[str], group: str, take: Take) -> PartnerTopics:
        """Read what partners write; a batch is acknowledged when `take` returns, and tried again until it does."""
        self._partner_topics.append(reading := PartnerTopics(self._bootstrap, topics, group, take))
        return reading

    async def start(self, kept: Collection[str]) -> None:
        """Have the topics `kept` and those that partners write; connect. What fails can be tried anew."""
        partners = [topic for one in self._partner_topics for topic in one.topics]
        self._topics = Topics(self._bootstrap, kept, partners)
        await self._topics.start()
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap, enable_idempotence=True, acks="all", linger_ms=0
        )
        self._reading = True
        try:
            await self._producer.start()
            await self._broker.connect()
            making: Any = self._broker.config.broker_config
            making.builder = partial(PastUnreadable, **making.builder.keywords)
            await self._broker.start()
            for partner_topics in self._partner_topics:
                await partner_topics.start()
        except BaseException:
            await self.stop()
            raise

    async def stop_reading(self) -> None:
        if self._reading:
            self._reading = False
            stopping = [*(topics.stop() for topics in self._partner_topics), self._broker.stop()]
            await asyncio.gather(*map(_in_time, stopping))

    async def stop(self) -> None:
        await self.stop_reading()
        if self._topics is not None:
            await _in_time(self._topics.stop())
        if self._producer is not None:
            producer, self._producer = self._producer, None
            await _in_time(producer.stop())


async def _in_time(stopping: Awaitable[None]) -> None:
    """Without its broker it might never end. What is not sent or acknowledged by then will be, after the next start."""
    task = asyncio.ensure_future(stopping)
    # Not wait_for: a consumer of aiokafka whose broker is away ends in the cancellation of its own fetch.
    await asyncio.wait({task}, timeout=_TO_STOP_SECONDS)
    task.cancel()


async def _acknowledge(message: KafkaAckableMessage, group: str) -> None:
    try:
        await message.ack()
    except KafkaError as error:
        # The group was rebalanced meanwhile. The batch is committed; whoever gets it again skips it.
        log.warning("offset not committed", group=group, error=type(error).__name__)


async def _whole(message: Any) -> Any:
    return message
