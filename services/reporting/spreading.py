"""A build spread over processes, a ledger each: folding is Python, and a process has one core."""

import asyncio
import gc
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any

import asyncpg
from sqlalchemy import make_url

from eventlog.ledger import LedgerId
from schemas.programme import Programmes
from services.reporting.building import CHECKPOINT, Built, LedgerBuild, Went
from services.reporting.bulk import Bulk
from services.reporting.raw_ledger import RawLedger

WORTH_A_PROCESS = 100_000
"""A process costs a second to start; below this many events that is longer than the work."""

_POLL_SECONDS = 0.1

Progress = Callable[[LedgerId, int, int], None]
"""(ledger, events done, events to do), after each batch."""


class Stopped(Exception):
    """Whoever asked for the build wants no more of it; the next one goes on from what was committed."""


@dataclass(frozen=True, slots=True)
class Job:
    """Build `ledger` up to `target` in generation `number`."""

    database_url: str
    number: int
    ledger: LedgerId
    target: int
    programmes: Programmes
    checkpoint: int = CHECKPOINT


async def build_ledgers(jobs: Sequence[Job], events: int, progress: Progress) -> list[Built]:
    """All of `jobs`, some `events` together; the biggest first, so that none is left to the end alone."""
    ordered = sorted(jobs, key=lambda job: -job.target)
    if len(jobs) > 1 and events >= WORTH_A_PROCESS:
        return await _in_processes(ordered, progress)
    with _no_garbage_sought():
        return [await _build(job, _report(job, progress)) for job in ordered]


@contextmanager
def _no_garbage_sought() -> Iterator[None]:
    """Rows make no cycles, and looking for some costs as much as the fold."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _report(job: Job, progress: Progress) -> Went:
    return lambda position: progress(job.ledger, position, job.target)


async def _build(job: Job, went: Went) -> Built:
    async with AsyncExitStack() as stack:
        reading, writing, trailing = [await _connect(stack, job.database_url) for _ in range(3)]
        ledger = await RawLedger(reading, job.ledger).open()
        bulk = Bulk(writing, trailing, job.number, job.ledger)
        return await LedgerBuild(ledger, bulk, job.programmes, went).run(job.target, job.checkpoint)


async def _connect(stack: AsyncExitStack, database_url: str) -> Any:
    dsn = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    settings = {"role": "spoorboek_reporting", "application_name": "spoorboek replay"}
    connection = await asyncpg.connect(dsn, server_settings=settings)
    stack.push_async_callback(connection.close)
    return connection


async def _in_processes(jobs: Sequence[Job], progress: Progress) -> list[Built]:
    context = get_context("spawn")
    told, stop = context.SimpleQueue(), context.Event()
    targets = {str(job.ledger): (job.ledger, job.target) for job in jobs}

    def tell() -> None:
        while not told.empty():
            name, position = told.get()
            progress(targets[name][0], position, targets[name][1])

    workers = min(len(jobs), os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(told, stop)) as pool:
        loop = asyncio.get_running_loop()
        building = asyncio.gather(*(loop.run_in_executor(pool, _work, job) for job in jobs))
        try:
            while not building.done():
                await asyncio.wait([building], timeout=_POLL_SECONDS)
                tell()
            return list(await building)
        finally:
            stop.set()


def _begin(told: Any, stop: Any) -> None:
    """In a new process: what it says where it is through, and what it is told to stop by."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _work.__dict__.update(told=told, stop=stop)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Whoever asked was killed: nobody waits for what is done here, and the next one goes on from what is committed."""
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


def _work(job: Job) -> Built:
    told, stop = _work.__dict__["told"], _work.__dict__["stop"]
    name = str(job.ledger)

    def went(position: int) -> None:
        if stop.is_set():
            raise Stopped
        told.put((name, position))

    with _no_garbage_sought():
        return asyncio.run(_build(job, went))
