"""The rebuild of every projection: beside a peer and a bare read, of two ledgers at once, and of millions of events."""

import asyncio
import subprocess
import sys
from time import perf_counter

from psutil import Process
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from bench import peer
from bench.alone import FIRST, in_a_process, once
from bench.ledgers import EVENTS_PER_CASE, events_of, fill
from bench.machine import CoresAtWork, on_one_core
from bench.measured import Measured, Ratio, Section, in_turn, rate
from bench.parts import analyze, migrated, server_process
from eventlog.engine import make_engine
from eventlog.ledger import LedgerId
from services.reporting.kept_generations import READERS
from services.reporting.reader import SOURCE, FactsReader
from services.reporting.rebuild import rebuild
from tests.parts.postgres import Postgres
from tests.reporting.made import PROGRAMMES

SECOND = "GM0985"
CASES, PEERS_CASES = 31_250, 6_250
_LIMITS = (
    "What limits it: one process, of whose time the hashes of leaves and tree are more than half, the fold a sixth and "
    "the driver a fifth. It runs with the collector of cyclic garbage off, by which the bare read gains more: both are "
    "here. PostgreSQL reads on, holds the audit trail against the ledger and writes on another core meanwhile. So one "
    "ledger alone has more than one core at work, and two are faster than it by no more than what is left of the "
    "second: how two ledgers on two cores scale is held against one ledger on one core, and both ratios are here."
)
_OURS = "rebuild of every projection, compared row by row and switched to"
_ON_ONE_CORE = "rebuild of one such ledger on one core, shared with PostgreSQL"
_BOTH = "the same rebuild of two such ledgers"
_PEERS = "eventsourcing, log to objects"
_BARE = "bare ordered read of the same rows"
_FASTER = "the same read without looking for cyclic garbage"


async def rebuilding(postgres: Postgres, repeats: int) -> Section:
    async with migrated(postgres) as one_url, migrated(postgres) as two_url, postgres.database() as peers_url:
        one, size = await _with_ledgers(one_url, FIRST)
        two, size_of_both = await _with_ledgers(two_url, FIRST, SECOND)
        busy_with_one, busy_with_two = list[float](), list[float]()
        server = await server_process(one_url)
        with peer.contacts(peers_url) as app:
            peers_size = await asyncio.to_thread(peer.fill, app, events_of(FIRST, PEERS_CASES))
            measures = {
                _OURS: lambda: _built(one, size, busy_with_one),
                _PEERS: lambda: asyncio.to_thread(peer.read_rate, app),
                _BOTH: lambda: _built(two, size_of_both, busy_with_two),
                _BARE: lambda: _alone("read", size, one_url),
                _FASTER: lambda: _alone("read-without-collector", size, one_url),
            }
            if server is not None:
                measures[_ON_ONE_CORE] = lambda: _on_one_core(one, size, server)
            rates = await in_turn(repeats, *measures.values())
        await one.dispose()
        await two.dispose()
    rows = {name: Measured(name, "events/s", values) for name, values in zip(measures, rates, strict=True)}
    how = (
        f"{size} events of one ledger, half of them facts, in one process; two ledgers in a process each, of which one "
        f"is forked for it from a process whose own start, once for a command, is a row of its own. The peer "
        f"reads the first {peers_size} of the same events from its own log into objects, "
        f"and stores or compares nothing. The bare read is in a process of its own, as what the bench has in memory "
        f"would be searched for garbage meanwhile. In turn: one repeat of each after the other."
    )
    ratios = [
        Ratio(rows[_OURS], rows[_PEERS], 2),
        Ratio(rows[_OURS], rows[_BARE], 0.4, share=True),
        Ratio(rows[_OURS], rows[_FASTER], None, share=True),
        Ratio(rows[_BOTH], rows[_OURS], None),
    ]
    if _ON_ONE_CORE in rows:
        ratios.append(Ratio(rows[_BOTH], rows[_ON_ONE_CORE], 1.6))
    beside = (
        Measured("start of the process that others are forked from", "s", (await asyncio.to_thread(_start),)),
        Measured("cores at work for the rebuild of one ledger", "cores", tuple(busy_with_one)),
        Measured("cores at work for the rebuild of two", "cores", tuple(busy_with_two)),
    )
    return Section("Rebuild", how, (*rows.values(), *beside), tuple(ratios), (_LIMITS,))


async def _on_one_core(engine: AsyncEngine, events: int, server: Process) -> float:
    await engine.dispose()  # What it connects to from here on is on that core too.
    with on_one_core(server):
        reached = await rate(events, lambda: once(engine))
        await engine.dispose()
    return reached


def _start() -> float:
    began = perf_counter()
    subprocess.run((sys.executable, "-c", "import services.reporting.spreading"), check=True)
    return perf_counter() - began


async def _built(engine: AsyncEngine, events: int, busy: list[float]) -> float:
    at_work = CoresAtWork()
    reached = await rate(events, lambda: once(engine))
    busy.append(at_work.so_far())
    return reached


async def _alone(what: str, events: int, database_url: str) -> float:
    seconds, *_ = await asyncio.to_thread(in_a_process, what, database_url)
    return events / seconds


async def _with_ledgers(url: str, *gemeenten: str) -> tuple[AsyncEngine, int]:
    """Reporting's engine on a database with a ledger for each of `gemeenten` and its facts; the events of all."""
    engine, events = make_engine(url, "reporting"), 0
    for gemeente in gemeenten:
        size = await fill(url, gemeente, CASES)
        await have_facts(engine, gemeente, size)
        events += size
    await analyze(url)
    return engine, events


async def by_size(postgres: Postgres, sizes: tuple[int, ...]) -> Section:
    """Rate, peak memory and how long new events waited, of ledgers of `sizes` events; each in a process of its own."""
    rows = list[Measured]()
    for size in sizes:
        async with migrated(postgres) as url:
            engine = make_engine(url, "reporting")
            filled = await fill(url, FIRST, size // EVENTS_PER_CASE)
            await have_facts(engine, FIRST, filled)
            await engine.dispose()
            await analyze(url)
            seconds, waited, peak = await asyncio.to_thread(in_a_process, "rebuild", url)
            millions = f"{size / 1_000_000:g} million events"
            rows += [
                Measured(f"rebuild of {millions}", "events/s", (filled / seconds,)),
                Measured(f"rebuild of {millions}: new events waited for the comparison", "s", (waited,)),
                Measured(f"rebuild of {millions}: memory of its process at most", "MB", (peak,)),
            ]
    how = "One ledger, one process, once each; memory is the resident set with Python and all libraries in it."
    return Section("Rebuild by size", how, tuple(rows))


async def have_facts(engine: AsyncEngine, gemeente: str, size: int) -> None:
    """The live facts, to which a rebuild compares: a rebuild makes them too, and faster than the reader."""
    reader = FactsReader(PROGRAMMES)
    async with engine.begin() as tx:
        await reader.start(tx)
        row = {"reader": reader.name, "ledger": str(LedgerId(SOURCE, gemeente)), "position": size}
        await tx.execute(insert(READERS).values(row))
    await rebuild(engine, PROGRAMMES, lambda *_: None)
