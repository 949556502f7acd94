"""What is measured in a process of its own, with nothing of the bench in its memory: a rebuild, and a bare read."""

import gc
import os
import subprocess
import sys
from time import perf_counter

import asyncpg
import uvloop
from sqlalchemy.ext.asyncio import AsyncEngine

from eventlog.engine import make_engine
from services.reporting.rebuild import RebuildReport, rebuild
from tests.reporting.made import PROGRAMMES

FIRST = "GM0984"
_AT_ONCE = 5000
_READ = "SELECT * FROM casework.events WHERE gemeente = $1 AND position > $2 ORDER BY position LIMIT $3"


async def once(engine: AsyncEngine) -> RebuildReport:
    report = await rebuild(engine, PROGRAMMES, lambda *_: None)
    assert not report.differences, report.differences
    return report


def in_a_process(what: str, database_url: str) -> tuple[float, float, float]:
    """Of one of _MEASURES: seconds, seconds that new events waited, and MB of resident memory at most."""
    command = (sys.executable, "-m", "bench.alone", what, database_url)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, told
    seconds, waited = map(float, told.split())
    return seconds, waited, usage.ru_maxrss / 1024


async def _rebuilt(database_url: str) -> float:
    """Seconds that new events waited."""
    engine = make_engine(database_url, "reporting")
    report = await once(engine)
    await engine.dispose()
    return report.waited_seconds


async def _read(database_url: str) -> float:
    """An ordered read of the same rows with the driver alone, for which nothing waits."""
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    position = 0
    while rows := await connection.fetch(_READ, FIRST, position, _AT_ONCE):
        position = rows[-1]["position"]
    await connection.close()
    return 0


async def _read_without_collector(database_url: str) -> float:
    gc.disable()
    return await _read(database_url)


_MEASURES = {"rebuild": _rebuilt, "read": _read, "read-without-collector": _read_without_collector}


async def _measure(what: str, database_url: str) -> None:
    started = perf_counter()
    waited = await _MEASURES[what](database_url)
    print(perf_counter() - started, waited)  # noqa: T201 - for the process that started this one


if __name__ == "__main__":
    uvloop.run(_measure(*sys.argv[1:]))
