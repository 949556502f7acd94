"""What a measurement gave: its repeats, their median and range, and how it stands to another one of the same run."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter


@dataclass(frozen=True, slots=True)
class Measured:
    """One row of the table. `values` are per repeat, in `unit`."""

    what: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.values)


@dataclass(frozen=True, slots=True)
class Ratio:
    """How a row stands to another of the same run: in times, or as a share of a limit."""

    of: Measured
    to: Measured
    aim: float | None
    share: bool = False

    @property
    def value(self) -> float:
        return self.of.median / self.to.median


@dataclass(frozen=True, slots=True)
class Section:
    """One question, how it was asked, and the rows and ratios that answer it."""

    title: str
    how: str
    rows: tuple[Measured, ...]
    ratios: tuple[Ratio, ...] = ()
    notes: tuple[str, ...] = ()


async def rate(count: int, work: Callable[[], Awaitable[object]]) -> float:
    """How many of `count` went through `work` in a second."""
    started = perf_counter()
    await work()
    return count / (perf_counter() - started)


async def in_turn(times: int, *each: Callable[[], Awaitable[float]]) -> list[tuple[float, ...]]:
    """Each of them `times` times, one after the other: what disturbs the machine disturbs all alike."""
    rounds = [[await once() for once in each] for _ in range(times)]
    return list(zip(*rounds, strict=True))
