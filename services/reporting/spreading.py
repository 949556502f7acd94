"""A build spread over processes, a ledger each: folding is Python, and a process has one core.

ProcessEnded   the operator: a process of the build was ended from outside; run it again, it goes on
"""

import asyncio
import gc
import os
import signal
from asyncio import FIRST_EXCEPTION
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
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
"""The first process costs most of a second to start; below this many events that is as long as the work."""

_POLL_SECONDS = 0.1

Progress = Callable[[LedgerId, int, int], None]
"""(ledger, events done, events to do), after each batch."""


class ProcessEnded(Exception):
    """A process of the build is gone, and did not say why."""

    def __init__(self) -> None:
        super().__init__(
            "a process of the build was ended from outside, for want of memory perhaps: run the command again, which "
            "goes on from what was written"
        )


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
    mends_trail: bool = True


async def build_ledgers(jobs: Sequence[Job], events: int, progress: Progress) -> list[Built]:
    """All of `jobs`, some `events` together; the biggest first, so that none is left to the end alone."""
    ordered = sorted(jobs, key=lambda job: -job.target)
    with _no_garbage_sought():
        if len(jobs) > 1 and events >= WORTH_A_PROCESS:
            return await _in_processes(ordered, progress)
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
        reading, writing = [await _connect(stack, job.database_url) for _ in range(2)]
        ledger = await RawLedger(reading, job.ledger).open()
        bulk = Bulk(writing, job.number, job.ledger)
        build = LedgerBuild(ledger, bulk, job.programmes, went, mends_trail=job.mends_trail)
        return await build.run(job.target, job.checkpoint)


async def _connect(stack: AsyncExitStack, database_url: str) -> Any:
    address = make_url(database_url)
    settings = {"role": "spoorboek_reporting", "application_name": "spoorboek replay"}
    _, where = address.get_dialect()().create_connect_args(address)
    connection = await asyncpg.connect(**where, server_settings=settings)
    stack.push_async_callback(connection.close)
    return connection


async def _in_processes(jobs: Sequence[Job], progress: Progress) -> list[Built]:
    """By this process, which is there already, and one for each other core; who is done with a job takes the next."""
    # Forked from a process that has imported this and opened nothing: a connection of ours would keep its locks there.
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    told, stop, left = context.SimpleQueue(), context.Event(), deque(jobs)
    targets = {str(job.ledger): (job.ledger, job.target) for job in jobs}

    def tell() -> None:
        while not told.empty():
            name, position = told.get()
            progress(targets[name][0], position, targets[name][1])

    async def here(job: Job) -> Built:
        return await _build(job, _report(job, progress))

    async def beside(job: Job) -> Built:
        try:
            # In a thread: the first waits until the process that others are forked from has imported this.
            return await asyncio.wrap_future(await asyncio.to_thread(pool.submit, _work, job))
        except BrokenProcessPool as error:
            raise ProcessEnded from error

    workers = max(min(len(jobs), os.cpu_count() or 1) - 1, 1)
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(told, stop)) as pool:
        tasks = [asyncio.create_task(_one_by_one(left, build)) for build in (*[beside] * workers, here)]
        at_work, built = set(tasks), list[Built]()
        try:
            while at_work:
                done, at_work = await asyncio.wait(at_work, timeout=_POLL_SECONDS, return_when=FIRST_EXCEPTION)
                tell()
                built += chain.from_iterable(task.result() for task in done)
            return built
        finally:
            stop.set()
            for task in at_work:
                task.cancel()
            await asyncio.gather(*at_work, return_exceptions=True)


async def _one_by_one(left: deque[Job], build: Callable[[Job], Awaitable[Built]]) -> list[Built]:
    built = []
    while left:
        built.append(await build(left.popleft()))
    return built


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
