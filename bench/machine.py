"""The machine and the versions a run was made with, in words."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

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


def busy_seconds() -> float:
    """Seconds that cores of this machine have worked since it started, for whomever here."""
    times = psutil.cpu_times()
    at_work = ("user", "nice", "system", "irq", "softirq")  # `user` has the guests' time; what was stolen is not here.
    return float(sum(getattr(times, name, 0.0) for name in at_work))
