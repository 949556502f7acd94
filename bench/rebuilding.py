"""The rebuild of every projection: beside a peer and a bare read, of two ledgers at once, and of millions of events."""

import asyncio
import gc
import os
import subprocess
import sys
from time import perf_counter

import asyncpg
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from bench import peer
from bench.ledgers import EVENTS_PER_CASE, fill
from bench.machine import CoresAtWork
from bench.measured import Measured, Ratio, Section, rate, repeat
from bench.parts import migrated
from eventlog.ledger import LedgerId
from eventlog.postgres import make_engine
from services.reporting.generations import READERS
from services.reporting.reader import SOURCE, FactsReader
from services.reporting.rebuild import RebuildReport, rebuild
from tests.parts.postgres import Postgres
from tests.reporting.made import PROGRAMMES

FIRST, SECOND = "GM0984", "GM0985"
CASES, PEERS_EVENTS = 31_250, 100_000
_AT_ONCE = 5000
_READ = "SELECT * FROM casework.events WHERE gemeente = $1 AND position > $2 ORDER BY position LIMIT $3"
_LIMITS = (
    "What limits it: one process, of whose time the hashes of leaves and tree are two fifths, the fold and its rows a "
    "quarter and the driver a fifth. It runs with the collector of cyclic garbage off, by which the bare read gains "
    "more: both are here. PostgreSQL reads, writes and compares on another core meanwhile, so that two ledgers can be "
    "no faster than the cores there are, divided by those that one ledger has at work."
)


async def rebuilding(postgres: Postgres, repeats: int) -> Section:
    async with migrated(postgres) as url:
        engine, size = make_engine(url, "reporting"), await fill(url, FIRST, CASES)
        await have_facts(engine, FIRST, size)

        async def built(events: int, busy: list[float]) -> float:
            at_work = CoresAtWork()
            reached = await rate(events, lambda: once(engine))
            busy.append(at_work.so_far())
            return reached

        busy_with_one, busy_with_two = list[float](), list[float]()

        ours = Measured("rebuild of every projection, compared row by row and switched to", "events/s",
                        await repeat(repeats, lambda: built(size, busy_with_one)))  # fmt: skip
        bare = Measured("bare ordered read of the same rows", "events/s",
                        await repeat(repeats, lambda: rate(size, lambda: bare_read(url, FIRST))))  # fmt: skip
        gc.disable()
        faster = Measured("the same read without looking for cyclic garbage", "events/s",
                          await repeat(repeats, lambda: rate(size, lambda: bare_read(url, FIRST))))  # fmt: skip
        gc.enable()
        second = await fill(url, SECOND, CASES)
        await have_facts(engine, SECOND, second)
        both = Measured("the same rebuild of two such ledgers", "events/s",
                        await repeat(repeats, lambda: built(size + second, busy_with_two)))  # fmt: skip
        await engine.dispose()
    theirs = await _peers_reading(postgres, PEERS_EVENTS, repeats)
    how = (
        f"{size} events of one ledger, half of them facts, in one process; two ledgers in a process each, their start "
        f"included. The peer reads {PEERS_EVENTS} events of its own log into objects and stores or compares nothing."
    )
    ratios = (
        Ratio(ours, theirs, 2),
        Ratio(ours, bare, 0.4, share=True),
        Ratio(ours, faster, None, share=True),
        Ratio(both, ours, 1.6),
    )
    busy = (
        Measured("cores at work for the rebuild of one ledger", "cores", tuple(busy_with_one)),
        Measured("cores at work for the rebuild of two", "cores", tuple(busy_with_two)),
    )
    return Section("Rebuild", how, (ours, both, theirs, bare, faster, *busy), ratios, (_LIMITS,))


async def by_size(postgres: Postgres, sizes: tuple[int, ...]) -> Section:
    """Rate, peak memory and how long new events waited, of ledgers of `sizes` events; each in a process of its own."""
    rows = list[Measured]()
    for size in sizes:
        async with migrated(postgres) as url:
            engine = make_engine(url, "reporting")
            filled = await fill(url, FIRST, size // EVENTS_PER_CASE)
            await have_facts(engine, FIRST, filled)
            await engine.dispose()
            seconds, waited, peak = await asyncio.to_thread(_in_a_process, url)
            millions = f"{size / 1_000_000:g} million events"
            rows += [
                Measured(f"rebuild of {millions}", "events/s", (filled / seconds,)),
                Measured(f"rebuild of {millions}: new events waited for the comparison", "s", (waited,)),
                Measured(f"rebuild of {millions}: memory of its process at most", "MB", (peak,)),
            ]
    how = "One ledger, one process, once each; memory is the resident set with Python and all libraries in it."
    return Section("Rebuild by size", how, tuple(rows))


async def bare_read(database_url: str, gemeente: str) -> int:
    """An ordered read of the same rows with the driver alone."""
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    position = 0
    while rows := await connection.fetch(_READ, gemeente, position, _AT_ONCE):
        position = rows[-1]["position"]
    await connection.close()
    return int(position)


async def have_facts(engine: AsyncEngine, gemeente: str, size: int) -> None:
    """The live facts, to which a rebuild compares: a rebuild makes them too, and faster than the reader."""
    reader = FactsReader(PROGRAMMES)
    async with engine.begin() as tx:
        await reader.start(tx)
        row = {"reader": reader.name, "ledger": str(LedgerId(SOURCE, gemeente)), "position": size}
        await tx.execute(insert(READERS).values(row))
    await rebuild(engine, PROGRAMMES, lambda *_: None)


async def once(engine: AsyncEngine) -> RebuildReport:
    report = await rebuild(engine, PROGRAMMES, lambda *_: None)
    assert not report.differences, report.differences
    return report


def _in_a_process(database_url: str) -> tuple[float, float, float]:
    """Seconds, seconds that new events waited, and MB of resident memory at most."""
    command = (sys.executable, "-m", "bench.rebuilding", database_url)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, told
    seconds, waited = map(float, told.split())
    return seconds, waited, usage.ru_maxrss / 1024


async def _alone(database_url: str) -> None:
    engine, started = make_engine(database_url, "reporting"), perf_counter()
    report = await once(engine)
    print(perf_counter() - started, report.waited_seconds)  # noqa: T201 - for the process that started this one
    await engine.dispose()


async def _peers_reading(postgres: Postgres, size: int, repeats: int) -> Measured:
    """The peer's log has events of the same size."""
    async with postgres.database() as url:
        with peer.contacts(url) as app:
            await asyncio.to_thread(peer.fill, app, size)
            values = [await asyncio.to_thread(peer.read_rate, app) for _ in range(repeats)]
    return Measured("eventsourcing, log to objects", "events/s", tuple(values))


if __name__ == "__main__":
    asyncio.run(_alone(sys.argv[1]))
