"""The rebuild: the facts built anew from casework's ledger beside the live ones, compared row by row, then switched to.

RebuildUnderWay   the operator: another process is rebuilding; wait for it to end
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventlog.ledger import LedgerId
from eventlog.reader import Positions, Source
from schemas.programme import Programmes
from services.reporting.comparing import differences
from services.reporting.generations import (
    Generation,
    built_generations,
    create_tables,
    drop_tables,
    ensure_generation,
    find_generation,
    fingerprint,
    reached,
    reader_name,
    switch_to,
)
from services.reporting.reader import SOURCE, fold_into

AT_ONCE = 5000

Progress = Callable[[LedgerId, int, int], None]
"""(ledger, events done, events to do), after each batch."""


class RebuildUnderWay(Exception):
    """Two rebuilds at once would build the same generation."""

    def __init__(self) -> None:
        super().__init__("another process is rebuilding the facts: wait for it to end")


@dataclass(frozen=True)
class RebuildReport:
    """What a rebuild did. `differences` are sentences; with the same rules there must be none."""

    generation: int
    previous: int
    events: int
    positions: dict[str, int]
    rules_changed: bool
    differences: tuple[str, ...]


async def rules_have_changed(engine: AsyncEngine, programmes: Programmes) -> bool:
    """Whether the live facts were folded with other rules or tables than this version has, so that a rebuild is due."""
    async with engine.connect() as connection:
        live = await find_generation(connection)
    return live is not None and live.fingerprint != fingerprint(programmes)


async def rebuild(engine: AsyncEngine, programmes: Programmes, source: Source, progress: Progress) -> RebuildReport:
    """Build the next generation, up to where the live one is, and switch to it; what a crash left is built again."""
    async with _alone(engine):
        async with engine.begin() as tx:
            live = await ensure_generation(tx, programmes)
            number = max(live.live, live.previous or 0) + 1
            for old in await built_generations(tx):
                if old not in (live.live, live.previous):
                    await drop_tables(tx, old)
            await drop_tables(tx, number)
            await create_tables(tx, number)
        build = _Build(engine, programmes, source, progress, number)
        while await build.follow(live.live) > AT_ONCE:
            pass
        return await _compare_and_switch(engine, programmes, build, live)


async def _compare_and_switch(
    engine: AsyncEngine, programmes: Programmes, build: "_Build", live: Generation
) -> RebuildReport:
    rules = fingerprint(programmes)
    async with engine.begin() as tx:
        # From here the live generation stands still: its reader waits for this row.
        await find_generation(tx, update=True)
        positions = await reached(tx, live.live)
        for ledger, position in positions.items():
            await build.up_to(tx, _ledger(ledger), position)
        found = await differences(tx, live.live, build.number)
        await switch_to(tx, build.number, live.live, rules)
        if live.previous is not None:
            await drop_tables(tx, live.previous)
    changed = live.fingerprint != rules
    return RebuildReport(build.number, live.live, build.events, positions, changed, tuple(found))


class _Build:
    """Generation `number` while it is built."""

    def __init__(
        self, engine: AsyncEngine, programmes: Programmes, source: Source, progress: Progress, number: int
    ) -> None:
        self._engine, self._programmes, self._source, self._progress = engine, programmes, source, progress
        self._positions = Positions(engine, "reporting")
        self.number = number
        self.events = 0

    async def follow(self, live: int) -> int:
        """Read on to where the live generation is now, a transaction per batch; how many events that were."""
        before = self.events
        async with self._engine.connect() as connection:
            targets = await reached(connection, live)
        for name, target in targets.items():
            while await self._batch_in_own_transaction(_ledger(name), target):
                pass
        return self.events - before

    async def up_to(self, tx: AsyncConnection, ledger: LedgerId, target: int) -> None:
        while await self._batch(tx, ledger, target):
            pass

    async def _batch_in_own_transaction(self, ledger: LedgerId, target: int) -> int:
        async with self._engine.begin() as tx:
            return await self._batch(tx, ledger, target)

    async def _batch(self, tx: AsyncConnection, ledger: LedgerId, target: int) -> int:
        name = reader_name(self.number)
        position = await self._positions.lock(tx, name, ledger)
        if position >= target:
            return 0
        events = await self._source.read(ledger.gemeente, position, min(AT_ONCE, target - position))
        if not events or events[0].position != position + 1:
            raise LookupError(f"{ledger}: the live facts were folded up to {target}, but {position + 1} is not there")
        await fold_into(tx, self.number, ledger, events, self._programmes)
        await self._positions.move(tx, name, ledger, position, events[-1].position)
        self.events += len(events)
        self._progress(ledger, events[-1].position, target)
        return len(events)


def _ledger(name: str) -> LedgerId:
    return LedgerId(SOURCE, name.removeprefix(f"{SOURCE}/"))


@asynccontextmanager
async def _alone(engine: AsyncEngine) -> AsyncIterator[None]:
    """One rebuild at a time; the lock goes with the connection, so that a crash leaves none behind."""
    async with engine.connect() as connection:
        locked = await connection.execute(text("SELECT pg_try_advisory_lock(hashtext('spoorboek rebuild'))"))
        if not locked.scalar_one():
            raise RebuildUnderWay
        await connection.commit()
        try:
            yield
        finally:
            await connection.execute(text("SELECT pg_advisory_unlock(hashtext('spoorboek rebuild'))"))
            await connection.commit()
