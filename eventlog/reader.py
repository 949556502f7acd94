"""Readers, whoever follows a ledger: the effect of a batch and the reader's new position commit together.

A duplicate is skipped, a gap is filled from the ledger's owner, and of two instances of one reader only one moves the
position: so whatever the bus does, each event has its effect once and in order. Of an event that cannot be taken the
case is quarantined, and the reader goes on with all others.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventlog.blame import is_the_records
from eventlog.errors import Gap, PositionMoved
from eventlog.ledger import Ledger, LedgerId, Recorded
from eventlog.quarantine import Quarantine
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
        async with self._ledger.asking() as tx:
            return await self._ledger.sizes(tx)

    async def read(self, gemeente: str, after: int, limit: int = READ_AT_ONCE) -> list[Recorded]:
        async with self._ledger.asking() as tx:
            return await self._ledger.read(tx, gemeente, after, limit)


class Positions:
    """How far the readers of `service` are, kept beside their effects."""

    def __init__(self, engine: AsyncEngine, service: str) -> None:
        self._engine = engine
        self._asking = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._table = readers_table(service)

    def begin(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return self._engine.begin()

    async def reached(self, reader: str) -> dict[str, int]:
        """The position of `reader` in each ledger it has read from, by the ledger's name."""
        query = select(self._table.c.ledger, self._table.c.position).where(self._table.c.reader == reader)
        async with self._asking.connect() as connection:
            return {ledger: position for ledger, position in await connection.execute(query)}

    async def lock(self, tx: AsyncConnection, reader: str, ledger: LedgerId) -> int:
        """The reader's position; no other instance of it can move it before `tx` ends."""
        return (await self.lock_place(tx, reader, ledger)).position

    async def lock_place(self, tx: AsyncConnection, reader: str, ledger: LedgerId) -> "Place":
        """The same, with whether anything is in quarantine: both stand in the row whose newest form the lock gives."""
        table = self._table
        query = (
            select(table.c.position, table.c.held)
            .where(table.c.reader == reader, table.c.ledger == str(ledger))
            .with_for_update()
        )
        if (row := (await tx.execute(query)).one_or_none()) is None:
            start = {"reader": reader, "ledger": str(ledger), "position": 0}
            await tx.execute(insert(table).values(start).on_conflict_do_nothing())
            row = (await tx.execute(query)).one()
        return Place(row.position, row.held)

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
        self,
        reader: Reader,
        positions: Positions,
        source: Source,
        moved: Callable[[], None] = lambda: None,
        quarantine: Quarantine | None = None,
        patience_seconds: float = 0.0,
    ) -> None:
        """`moved` is called after each effect, to wake who follows what the reader wrote.

        `patience_seconds` is how long the bus waits after a batch, so that more events share the cost of the next.
        Without a `quarantine` it stands still at what it cannot take: a publisher looks into no event.
        """
        self.reader = reader
        self.positions = positions
        self.source = source
        self.moved = moved
        self.quarantine = quarantine
        self.patience_seconds = patience_seconds

    async def deliver(self, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        """Give the reader what it has not had of `events`; raises Gap where some are missing before or among them."""
        try:
            moved = await self._deliver(ledger, events)
        except Exception as error:
            if self.quarantine is None or not is_the_records(error):
                raise
            moved = await self._deliver(ledger, events, apart=True)
        if moved:
            self.moved()

    async def _deliver(self, ledger: LedgerId, events: Sequence[Recorded], apart: bool = False) -> bool:
        reader = self.reader.name
        async with self.positions.begin() as tx:
            place = await self.positions.lock_place(tx, reader, ledger)
            fresh = [event for event in events if event.position > place.position]
            if not fresh:
                return False
            for expected, event in enumerate(fresh, start=place.position + 1):
                if event.position != expected:
                    raise Gap(ledger, expected - 1, event.position)
            if self.quarantine is not None and (apart or place.held):
                handle = partial(self.reader.handle, tx, ledger)
                await self.quarantine.take(tx, reader, ledger, fresh, handle)
            else:
                await self.reader.handle(tx, ledger, fresh)
            await self.positions.move(tx, reader, ledger, place.position, fresh[-1].position)
        return True

    async def catch_up(self, ledger: LedgerId, reached: int | None = None) -> int:
        """Read on from the ledger's owner to its present end, from where the reader was last seen; where it is now."""
        if reached is None:
            reached = (await self.positions.reached(self.reader.name)).get(str(ledger), 0)
        while events := await self.source.read(ledger.gemeente, reached, READ_AT_ONCE):
            await self.deliver(ledger, events)
            reached = events[-1].position
            if len(events) < READ_AT_ONCE:
                break
        return reached

    async def lag(self) -> "Lag":
        """How far the reader is behind the ends of the ledgers it follows, all together."""
        reached = await self.positions.reached(self.reader.name)
        sizes = await self.source.sizes()
        behind = sum(size - reached.get(str(LedgerId(self.reader.source, name)), 0) for name, size in sizes.items())
        return Lag(reached=sum(sizes.values()) - behind, behind=behind)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reader is in a ledger, and whether it left anything there in quarantine."""

    position: int
    held: bool


@dataclass(frozen=True, slots=True)
class Lag:
    """Numbers of events: those a reader has had, and those that lie before it."""

    reached: int
    behind: int
