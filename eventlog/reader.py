"""Readers, whoever follows a ledger: the effect of a batch and the reader's new position commit together.

A duplicate is skipped, a gap is filled from the ledger's owner, and of two instances of one reader only one moves the
position: so whatever the bus does, each event has its effect once and in order.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventlog.errors import Gap, PositionMoved
from eventlog.ledger import Ledger, LedgerId, Recorded
from eventlog.tables import readers_table

READ_AT_ONCE = 1000


class Reader(Protocol):
    """One purpose: a projection (pure, replayable), a reactor (decides) or a publisher (tells others)."""

    @property
    def name(self) -> str:
        """Under which its positions are kept."""
        ...

    @property
    def source(self) -> str:
        """The service whose ledgers it follows."""
        ...

    async def handle(self, tx: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        """Do the effect of `events`, all or nothing, in `tx`."""
        ...


class Source(Protocol):
    """Where a service's ledgers can be read by position."""

    async def sizes(self) -> dict[str, int]: ...

    async def read(self, gemeente: str, after: int, limit: int = READ_AT_ONCE) -> list[Recorded]: ...


class LedgerSource:
    """The ledgers of a service whose database this process reads itself."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def sizes(self) -> dict[str, int]:
        async with self._ledger.begin() as tx:
            return await self._ledger.sizes(tx)

    async def read(self, gemeente: str, after: int, limit: int = READ_AT_ONCE) -> list[Recorded]:
        async with self._ledger.begin() as tx:
            return await self._ledger.read(tx, gemeente, after, limit)


class Positions:
    """How far the readers of `service` are, kept beside their effects."""

    def __init__(self, engine: AsyncEngine, service: str) -> None:
        self._engine = engine
        self._table = readers_table(service)

    def begin(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return self._engine.begin()

    async def reached(self, reader: str) -> dict[str, int]:
        """The position of `reader` in each ledger it has read from, by the ledger's name."""
        query = select(self._table.c.ledger, self._table.c.position).where(self._table.c.reader == reader)
        async with self._engine.connect() as connection:
            return {ledger: position for ledger, position in await connection.execute(query)}

    async def lock(self, tx: AsyncConnection, reader: str, ledger: LedgerId) -> int:
        """The reader's position; no other instance of it can move it before `tx` ends."""
        table = self._table
        query = (
            select(table.c.position).where(table.c.reader == reader, table.c.ledger == str(ledger)).with_for_update()
        )
        if (position := (await tx.execute(query)).scalar_one_or_none()) is None:
            start = {"reader": reader, "ledger": str(ledger), "position": 0}
            await tx.execute(insert(table).values(start).on_conflict_do_nothing())
            position = (await tx.execute(query)).scalar_one()
        return int(position)

    async def move(self, tx: AsyncConnection, reader: str, ledger: LedgerId, found: int, reached: int) -> None:
        """Compare and set: the effect in `tx` counts only if the reader still was where it was found."""
        table = self._table
        moved = await tx.execute(
            update(table)
            .where(table.c.reader == reader, table.c.ledger == str(ledger), table.c.position == found)
            .values(position=reached)
        )
        if moved.rowcount != 1:
            raise PositionMoved(f"{reader} is no longer at {ledger}/{found}")


class Follower:
    """Moves one reader along the ledgers of one service."""

    def __init__(
        self, reader: Reader, positions: Positions, source: Source, moved: Callable[[], None] = lambda: None
    ) -> None:
        """`moved` is called after each effect, to wake who follows what the reader wrote."""
        self.reader = reader
        self.positions = positions
        self.source = source
        self._moved = moved

    async def deliver(self, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        """Give the reader what it has not had of `events`; raises Gap where some are missing before or among them."""
        async with self.positions.begin() as tx:
            position = await self.positions.lock(tx, self.reader.name, ledger)
            fresh = [event for event in events if event.position > position]
            if not fresh:
                return
            for expected, event in enumerate(fresh, start=position + 1):
                if event.position != expected:
                    raise Gap(ledger, expected - 1, event.position)
            await self.reader.handle(tx, ledger, fresh)
            await self.positions.move(tx, self.reader.name, ledger, position, fresh[-1].position)
        self._moved()

    async def catch_up(self, ledger: LedgerId) -> int:
        """Read on from the ledger's owner to its present end; the position reached."""
        reached = (await self.positions.reached(self.reader.name)).get(str(ledger), 0)
        while events := await self.source.read(ledger.gemeente, reached):
            await self.deliver(ledger, events)
            reached = events[-1].position
        return reached

    async def lag(self) -> "Lag":
        """How far the reader is behind the ends of the ledgers it follows, all together."""
        reached = await self.positions.reached(self.reader.name)
        sizes = await self.source.sizes()
        behind = sum(size - reached.get(str(LedgerId(self.reader.source, name)), 0) for name, size in sizes.items())
        return Lag(reached=sum(sizes.values()) - behind, behind=behind)


@dataclass(frozen=True, slots=True)
class Lag:
    """Numbers of events: those a reader has had, and those that lie before it."""

    reached: int
    behind: int
