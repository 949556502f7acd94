"""Append: hashed and durable, one event per command, against the peer and against COPY of the same rows."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bench import peer
from bench.events import GEMEENTE, a_command
from bench.measured import Measured, Ratio, Section
from bench.parts import migrated
from eventlog.engine import make_engine
from eventlog.ledger import LedgerId
from eventlog.merkle import Frontier
from eventlog.postgres import PostgresLedger
from eventlog.sequencing import sequence
from eventlog.writer import Writer
from tests.parts.postgres import Postgres


class Numbers:
    """Gives every command of the run a stream of its own."""

    def __init__(self) -> None:
        self._next = 0

    def take(self) -> int:
        self._next += 1
        return self._next


CALLERS = (16, 200)
COPIED = 20_000
_LIMITS = (
    "What limits it: at 200 callers the writer's own process, which makes the commands, numbers and hashes the events "
    "and encodes them on one core while PostgreSQL stores the batch before on the other; at 16 callers the round trip "
    "and the flush to disk, which a batch of 16 shares."
)


async def appending(postgres: Postgres, repeats: int, seconds: float) -> Section:
    rows, ratios, copied = list[Measured](), list[Ratio](), list[float]()
    async with migrated(postgres) as url, postgres.database() as peers_url:
        engine, numbers = make_engine(url, "casework"), Numbers()
        writer = Writer(PostgresLedger(engine, "casework"), lambda gemeente: None)
        with peer.contacts(peers_url) as app:
            for callers in CALLERS:
                ours, theirs = list[float](), list[float]()
                for _ in range(repeats):  # in turn, so that what disturbs the machine disturbs all alike
                    ours.append(await append_rate(writer, numbers, callers, seconds))
                    theirs.append(await asyncio.to_thread(peer.append_rate, app, callers, seconds))
                    copied.append(await copy_rate(engine, numbers, COPIED))
                rows.append(Measured(f"append, hashed and durable, {callers} callers", "events/s", tuple(ours)))
                rows.append(Measured(f"eventsourcing, {callers} threads", "events/s", tuple(theirs)))
                ratios.append(Ratio(rows[-2], rows[-1], 10))
        await engine.dispose()
    copy = Measured("bare COPY of the same rows, neither numbered nor hashed", "events/s", tuple(copied))
    ratios.append(Ratio(rows[-2], copy, 0.3, share=True))
    how = (
        f"One event a command, each for a new stream; a caller sends its next command when the last is durable. "
        f"{seconds:.0f} s for each repeat. The peer stores one aggregate of one event with `save`, from threads, with "
        f"{peer.POOL} connections and as many in overflow. One COPY carries {COPIED} rows into the ledger's own table, "
        f"indexes and commit included."
    )
    return Section("Append", how, (*rows, copy), tuple(ratios), (_LIMITS,))


async def append_rate(writer: Writer, numbers: Numbers, callers: int, seconds: float) -> float:
    """Commands per second, each caller sending its next one when the last is durable."""
    ended = perf_counter() + seconds

    async def caller() -> int:
        done = 0
        while perf_counter() < ended:
            await writer.append(GEMEENTE, a_command(numbers.take()))
            done += 1
        return done

    started = perf_counter()
    done = sum(await asyncio.gather(*(caller() for _ in range(callers))))
    return done / (perf_counter() - started)


async def copy_rate(engine: AsyncEngine, numbers: Numbers, count: int) -> float:
    """Rows per second of one COPY into the same table, commit included: nothing is checked, numbered or hashed."""
    async with engine.begin() as tx:
        before = (await tx.execute(text("SELECT coalesce(max(position), 0) FROM casework.events"))).scalar_one()
        rows = list(_rows(before, numbers, count))
        driver: Any = (await tx.get_raw_connection()).driver_connection
        started = perf_counter()
        await driver.copy_records_to_table("events", schema_name="casework", records=rows)
        await tx.commit()
        return count / (perf_counter() - started)


def _rows(before: int, numbers: Numbers, count: int) -> Iterator[tuple[object, ...]]:
    appends = [a_command(numbers.take()) for _ in range(count)]
    ledger = LedgerId("casework", "GM0000")
    for event in sequence(ledger, Frontier(), {}, datetime.now(UTC), appends).events:
        yield (
            ledger.gemeente, before + event.position, event.stream, event.version, event.type, event.occurred_on,
            event.recorded_at, event.partner, event.correlation, event.causation, event.data, event.case,
        )  # fmt: skip
