"""A generation of the facts while it is built: brought to positions, finished; one at a time.

RebuildUnderWay   the operator: another process is rebuilding; wait for it to end
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventlog.ledger import LedgerId
from schemas.programme import Programmes
from services.reporting.building import CHECKPOINT
from services.reporting.generations import finish_tables, reached
from services.reporting.half_built import read_progress, start_ledger
from services.reporting.kept_generations import kept_generations, schema_of
from services.reporting.reader import SOURCE
from services.reporting.spreading import Job, Progress, build_ledgers


class RebuildUnderWay(Exception):
    """Two rebuilds at once would build the same generation."""

    def __init__(self) -> None:
        super().__init__("another process is rebuilding the facts: wait for it to end")


class Build:
    """Generation `number` while it is built."""

    def __init__(
        self,
        engine: AsyncEngine,
        programmes: Programmes,
        progress: Progress,
        number: int,
        checkpoint: int = CHECKPOINT,
        *,
        mends_trail: bool = True,
    ) -> None:
        self._engine, self._programmes, self._progress, self._checkpoint = engine, programmes, progress, checkpoint
        self._mends_trail = mends_trail
        self.number = number
        self.events = 0

    async def follow(self, live: int) -> int:
        """Read on to where the live generation is now; how many events that were."""
        async with self._engine.connect() as connection:
            positions = await reached(connection, live)
        return await self.up_to(positions)

    async def up_to(self, positions: Mapping[str, int]) -> int:
        """Read on to `positions`, by the ledger's name; how many events that were."""
        schema, before = schema_of(self.number), self.events
        async with self._engine.begin() as tx:
            for name, target in positions.items():
                await start_ledger(tx, schema, name, target)
            under_way = await read_progress(tx, schema)
        left = [one for one in under_way if min(one.position, one.audited) < one.target]
        url = self._engine.url.render_as_string(hide_password=False)
        jobs = [
            Job(
                url, self.number, _ledger(one.ledger), one.target, self._programmes, self._checkpoint, self._mends_trail
            )
            for one in left
        ]
        built = await build_ledgers(jobs, sum(one.target - one.position for one in left), self._progress)
        self.events += sum(one.events for one in built)
        return self.events - before

    async def finish(self) -> None:
        """Give it its indexes and statistics, once."""
        async with self._engine.begin() as tx:
            if not (await kept_generations(tx))[self.number].finished:
                await finish_tables(tx, self.number)


def _ledger(name: str) -> LedgerId:
    return LedgerId(SOURCE, name.removeprefix(f"{SOURCE}/"))


_LOCK = "hashtext('spoorboek rebuild')"
_HELD = f"""
SELECT EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND (classid::bigint << 32 | objid::bigint) = {_LOCK}::bigint
)
"""


async def is_at_work(tx: AsyncConnection) -> bool:
    """Whether a process builds a generation now."""
    return bool((await tx.execute(text(_HELD))).scalar_one())


@asynccontextmanager
async def alone(engine: AsyncEngine) -> AsyncIterator[None]:
    """One rebuild at a time; the lock goes with the connection, so that a crash leaves none behind."""
    async with engine.connect() as connection:
        locked = await connection.execute(text(f"SELECT pg_try_advisory_lock({_LOCK})"))
        if not locked.scalar_one():
            raise RebuildUnderWay
        await connection.commit()
        try:
            yield
        finally:
            await connection.execute(text(f"SELECT pg_advisory_unlock({_LOCK})"))
            await connection.commit()
