"""Bus, fold, commit: reporting's reader over Kafka against a bare loop that takes the same records and drops them."""

import asyncio
from collections.abc import Sequence
from time import perf_counter
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, TopicPartition
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.measured import Measured, Ratio, Section, in_turn
from bench.parts import migrated
from eventlog.bus_kafka import KafkaBus
from eventlog.engine import make_engine
from eventlog.ledger import LedgerId, Recorded
from eventlog.positions import Positions
from eventlog.postgres import PostgresLedger
from eventlog.quarantine import Quarantine
from eventlog.reader import Follower, LedgerSource
from eventlog.wire import events_topic, outgoing
from services.reporting.reader import FactsReader
from tests.parts.postgres import Postgres
from tests.reporting.made import PROGRAMMES

TOPIC = events_topic("casework")
_AT_ONCE = 2000
_LIMITS = (
    "What limits it: decoding each event into its model and writing the rows back, in one process. Half of the events "
    "are answers to submissions, which the facts do not keep."
)


class Watch:
    """Counts from the end of the first batch to the last record: joining a group is not what is measured."""

    def __init__(self, size: int) -> None:
        self._left, self._from, self._counted = size, 0.0, 0
        self.rate = asyncio.get_running_loop().create_future()

    def passed(self, count: int) -> None:
        self._left -= count
        if not self._from:
            self._from = perf_counter()
        else:
            self._counted += count
        if self._left <= 0 and not self.rate.done():
            self.rate.set_result(self._counted / (perf_counter() - self._from))


class Watched(FactsReader):
    """Says how many events each batch had, for who is told when it is durable."""

    had = 0

    async def handle(self, tx: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        await super().handle(tx, ledger, events)
        self.had = len(events)


async def publish(kafka: str, database_url: str, gemeente: str) -> None:
    """What the relay does: the whole ledger, in order, as records."""
    engine, bus = make_engine(database_url, "casework"), KafkaBus(kafka)
    await bus.start([TOPIC])
    source, position = LedgerSource(PostgresLedger(engine, "casework")), 0
    while events := await source.read(gemeente, position):
        await bus.publish([outgoing(event) for event in events])
        position = events[-1].position
    await bus.stop()
    await engine.dispose()


async def folded_rate(postgres: Postgres, kafka: str, size: int) -> float:
    """Into a database without facts, by a group of its own."""
    async with migrated(postgres) as url:
        engine, reader, watch = make_engine(url, "reporting"), Watched(PROGRAMMES), Watch(size)
        async with engine.begin() as tx:
            await reader.start(tx)
        source = LedgerSource(PostgresLedger(engine, "casework"))
        positions = Positions(engine, "reporting")
        bus = KafkaBus(kafka)
        follower = Follower(
            reader, positions, source, moved=lambda ledger: watch.passed(reader.had), quarantine=Quarantine("reporting")
        )
        bus.follow(follower, f"bench-{uuid4().hex}")
        await bus.start([TOPIC])
        try:
            return float(await asyncio.wait_for(watch.rate, 60))
        finally:
            await bus.stop()
            await engine.dispose()


async def bare_rate(kafka: str, size: int) -> float:
    consumer, watch = AIOKafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest"), Watch(size)
    await consumer.start()
    consumer.assign([TopicPartition(TOPIC, partition) for partition in range(4)])
    while not watch.rate.done():
        for records in (await consumer.getmany(timeout_ms=1000, max_records=_AT_ONCE)).values():
            watch.passed(len(records))
    await consumer.stop()
    return float(watch.rate.result())


async def carrying(postgres: Postgres, kafka: str, size: int, repeats: int) -> Section:
    folded, taken = await in_turn(repeats, lambda: folded_rate(postgres, kafka, size), lambda: bare_rate(kafka, size))
    ours = Measured("Kafka to reporting's facts, committed", "events/s", folded)
    bare = Measured("bare aiokafka getmany loop of the same records", "events/s", taken)
    how = f"{size} records of one partition, at most {_AT_ONCE} at a time, counted after the first batch."
    return Section("Bus, fold, commit", how, (ours, bare), (Ratio(ours, bare, 0.2, share=True),), (_LIMITS,))
