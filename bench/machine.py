"""The machine and the versions a run was made with, in words."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import psutil

_LIBRARIES = ("eventsourcing", "psycopg", "asyncpg", "aiokafka", "msgspec", "pydantic", "SQLAlchemy")


def machine() -> str:
    memory = round(psutil.virtual_memory().total / 2**30)
    return (
        f"{os.cpu_count()} cores ({_processor()}), {memory} GiB of memory, {platform.system()}; "
        f"Python {platform.python_version()}, {', '.join(f'{name} {version(name)}' for name in _LIBRARIES)}"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def load() -> float:
    """The mean number of processes that wanted a core in the last minute: above the cores, others were at work too."""
    return os.getloadavg()[0]


class CoresAtWork:
    """How many cores of this machine have been at work, for whomever, since this was made."""

    def __init__(self) -> None:
        self._busy, self._started = _busy_seconds(), perf_counter()

    def so_far(self) -> float:
        return (_busy_seconds() - self._busy) / (perf_counter() - self._started)


@contextmanager
def on_one_core(server: psutil.Process) -> Iterator[None]:
    """This thread has one core, and shares it with the processes that `server` begins meanwhile."""
    processes = psutil.Process(), server
    before = [process.cpu_affinity() for process in processes]
    try:
        for process in processes:
            process.cpu_affinity(before[0][:1])
        yield
    finally:
        for process, cores in zip(processes, before, strict=True):
            process.cpu_affinity(cores)


def _busy_seconds() -> float:
    times = psutil.cpu_times()
    at_work = ("user", "nice", "system", "irq", "softirq")  # `user` has the guests' time; what was stolen is not here.
    return float(sum(getattr(times, name, 0.0) for name in at_work))
