"""How far the readers of a service are, kept beside their effects."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventlog.connections import connections_of, driver_in, driver_of
from eventlog.errors import PositionMoved
from eventlog.ledger import LedgerId
from eventlog.step import Left
from eventlog.tables import readers_table


@dataclass(frozen=True, slots=True)
class Lag:
    """Numbers of events: those a reader has had, and those that lie before it."""

    reached: int
    behind: int


class Positions:
    """How far the readers of `service` are, kept beside their effects."""

    def __init__(self, engine: AsyncEngine, service: str) -> None:
        self._connections = connections_of(engine)
        self._table = readers_table(service)
        self._reached = f"SELECT ledger, position FROM {service}.readers WHERE reader = $1"
        self._move = (
            f"UPDATE {service}.readers SET position = $4 WHERE reader = $1 AND ledger = $2 AND position = $3"
            f" RETURNING xmin, held"
        )

    def begin(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return self._connections.transaction()

    def asking(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """For questions and single statements: each is durable, or undone, by itself."""
        return self._connections.asking()

    async def reached(self, reader: str) -> dict[str, int]:
        """The position of `reader` in each ledger it has read from, by the ledger's name."""
        async with self._connections.asking() as connection:
            return dict(await driver_of(connection).fetch(self._reached, reader))

    async def lock(self, tx: AsyncConnection, reader: str, ledger: LedgerId) -> int:
        """The reader's position; no other instance of it can move it before `tx` ends."""
        driver_in(tx)  # else it would be locked until the end of the statement
        table = self._table
        query = (
            select(table.c.position).where(table.c.reader == reader, table.c.ledger == str(ledger)).with_for_update()
        )
        if (position := (await tx.execute(query)).scalar_one_or_none()) is None:
            start = {"reader": reader, "ledger": str(ledger), "position": 0}
            await tx.execute(insert(table).values(start).on_conflict_do_nothing())
            position = (await tx.execute(query)).scalar_one()
        return int(position)

    async def move(self, tx: AsyncConnection, reader: str, ledger: LedgerId, found: int, reached: int) -> Left:
        """Compare and set: the effect in `tx` counts only if the reader still was where it was found.

        Locks it as `lock` does.
        """
        row = await driver_in(tx).fetchrow(self._move, reader, str(ledger), found, reached)
        if row is None:
            raise PositionMoved(f"{reader} is no longer at {ledger}/{found}")
        return Left(reached, row[0], row[1])
