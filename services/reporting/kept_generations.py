"""Which generations of the facts are kept, for what and by which rules each was built, and how one is done away with.

What is said of them stands in one table: who asks which there are touches no other generation's tables. One is
forgotten in the transaction that does without it, and its tables are dropped afterwards: that waits for whoever reads
them, as a back-up does, and nobody is to wait for that.
"""

from dataclasses import asdict, dataclass
from typing import Any, cast

import structlog
from sqlalchemy import Boolean, Column, Integer, MetaData, Table, Text, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventlog.tables import readers_table

REBUILD, KNOWN = "rebuild", "as known"
_TO_DROP = "1s"
"""So long it is waited for who reads the tables."""
_LOCK_NOT_AVAILABLE = "55P03"

KEPT = Table(
    "kept_generations",
    MetaData(),
    Column("number", Integer, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("known_on", Text, nullable=False),
    Column("finished", Boolean, nullable=False),
    schema="reporting",
)
READERS = readers_table("reporting")
LIVE_READER = "SELECT 'facts_' || live FROM reporting.generation"
"""Under what `reader_name` says; for a query that has to find out which is live."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class About:
    """`known_on` is a day or a position, as people write it; empty for a generation that follows the ledger."""

    fingerprint: str
    purpose: str = REBUILD
    known_on: str = ""
    finished: bool = False


def schema_of(number: int) -> str:
    return f"facts_{number}"


def reader_name(number: int) -> str:
    """Under this name the positions of generation `number` are kept."""
    return f"facts_{number}"


async def keep(tx: AsyncConnection, number: int, about: About) -> None:
    await tx.execute(insert(KEPT).values(number=number, **asdict(about)))


async def kept_generations(tx: AsyncConnection) -> dict[int, About]:
    """By their numbers."""
    rows = await tx.execute(select(KEPT).order_by(KEPT.c.number))
    return {row.number: About(row.fingerprint, row.purpose, row.known_on, row.finished) for row in rows}


async def mark_finished(tx: AsyncConnection, number: int) -> None:
    await tx.execute(update(KEPT).where(KEPT.c.number == number).values(finished=True))


async def folded_by(tx: AsyncConnection, number: int, fingerprint: str) -> None:
    """Note by which rules generation `number` was folded last."""
    await tx.execute(update(KEPT).where(KEPT.c.number == number).values(fingerprint=fingerprint))


async def forget(tx: AsyncConnection, number: int) -> None:
    """Generation `number` is none any more, nor what was held for it; `sweep` drops its tables."""
    await tx.execute(delete(KEPT).where(KEPT.c.number == number))
    await tx.execute(delete(READERS).where(READERS.c.reader == reader_name(number)))


async def numbers_in_use(tx: AsyncConnection) -> list[int]:
    """Of all generations that have tables, kept or forgotten."""
    found = await tx.execute(text(r"SELECT nspname FROM pg_namespace WHERE nspname ~ '^facts_[0-9]+$'"))
    return sorted(int(name.removeprefix("facts_")) for name in found.scalars())


async def sweep(engine: AsyncEngine) -> None:
    """Drop the tables of generations that were forgotten; those that somebody reads are left to the next time."""
    async with engine.connect() as connection:
        forgotten = set(await numbers_in_use(connection)).difference(await kept_generations(connection))
    for number in sorted(forgotten):
        try:
            async with engine.begin() as tx:
                await tx.execute(text(f"SET LOCAL lock_timeout = '{_TO_DROP}'"))
                await tx.execute(text(f"DROP SCHEMA {schema_of(number)} CASCADE"))
        except DBAPIError as error:
            if cast(Any, error.orig).sqlstate != _LOCK_NOT_AVAILABLE:
                raise
            log.warning("forgotten facts are being read, as by a back-up: the next replay drops them", facts=number)
