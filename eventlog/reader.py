"""Readers, whoever follows a ledger: the effect of a batch and the reader's new position commit together.

A duplicate is skipped, a gap is filled from the ledger's owner, and of two instances of one reader only one moves the
position: so whatever the bus does, each event has its effect once and in order. Of an event that cannot be taken the
case is quarantined, and the reader goes on with all others.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from eventlog.blame import is_the_records
from eventlog.errors import Gap, PositionMoved
from eventlog.ledger import Ledger, LedgerId, Recorded
from eventlog.positions import Lag, Positions
from eventlog.quarantine import Quarantine
from eventlog.step import Left, Step, Stepping

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
        """Do the effect of `events`, all or nothing, in `tx`; of none, see whether it is still this reader's to do."""
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


class Follower:
    """Moves one reader along the ledgers of one service."""

    def __init__(
        self,
        reader: Reader,
        positions: Positions,
        source: Source,
        moved: Callable[[LedgerId], None] = lambda ledger: None,
        quarantine: Quarantine | None = None,
        patience_seconds: float = 0.0,
    ) -> None:
        """`moved` is called with the ledger after each effect, to wake who follows what the reader wrote.

        `patience_seconds` is how long the bus waits after a batch, so that more events share the cost of the next.
        Without a `quarantine` it stands still at what it cannot take: of what a publisher tells nobody decides.
        """
        self.reader = reader
        self.positions = positions
        self.source = source
        self.moved = moved
        self.quarantine = quarantine
        self.patience_seconds = patience_seconds
        self.backlogs: set[str] = set()
        """The gemeenten of which what the bus brought showed more to read than is read at once: the watch reads on."""
        self._left: dict[tuple[str, LedgerId], Left] = {}

    async def deliver(self, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        """Give the reader what it has not had of `events`; raises Gap where some are missing before or among them."""
        try:
            moved = await self._deliver(ledger, events)
        except Exception as error:
            if self.quarantine is None or not is_the_records(error):
                raise
            moved = await self._deliver(ledger, events, apart=True)
        if moved:
            self.moved(ledger)

    async def _deliver(self, ledger: LedgerId, events: Sequence[Recorded], apart: bool = False) -> bool:
        name, left = self.reader.name, None
        before = self._left.pop((name, ledger), None)
        if before is not None and not apart:
            try:
                if (stepped := await self._step(ledger, events, before)) is not None:
                    self._left[name, ledger] = stepped
                    return True
                left = await self._go_on(ledger, events, before.position)
            except (Gap, PositionMoved):
                if self.reader.name != name:
                    raise  # It has switched to another generation: its caller looks where that one is.
                # Somebody else has moved it: look where it is.
        if left is None:
            left = await self._go_on(ledger, events, None, apart)
        if left is not None:
            self._left[name, ledger] = replace(left, no_step=before.no_step + 1 if before else 0)
        return left is not None

    async def _step(self, ledger: LedgerId, events: Sequence[Recorded], before: Left) -> Left | None:
        """In one statement, where the reader can and its row is as this process left it."""
        reader = self.reader
        if not before.is_worth_a_step or not isinstance(reader, Stepping):
            return None
        if not (fresh := following(ledger, before.position, events)):
            return None
        step = Step(reader.name, ledger, before, fresh[-1].position)
        async with self.positions.asking() as connection:
            written_by = await reader.take_step(connection, step, fresh)
        return None if written_by is None else Left(step.reached, written_by)

    async def _go_on(
        self, ledger: LedgerId, events: Sequence[Recorded], known: int | None, apart: bool = False
    ) -> Left | None:
        """From where this process left the reader, or (None) from where it stands, which is locked first.

        Where it is then; None where nothing of `events` is new.
        """
        reader = self.reader.name
        async with self.positions.begin() as tx:
            position = await self.positions.lock(tx, reader, ledger) if known is None else known
            if not (fresh := following(ledger, position, events)):
                return None
            left = await self.positions.move(tx, reader, ledger, position, fresh[-1].position)
            await self._take(tx, reader, ledger, fresh, apart or left.held)
        return left

    async def _take(
        self, tx: AsyncConnection, reader: str, ledger: LedgerId, fresh: Sequence[Recorded], apart: bool
    ) -> None:
        if self.quarantine is not None and apart:
            handle = partial(self.reader.handle, tx, ledger)
            await self.quarantine.take(tx, reader, ledger, fresh, handle)
        else:
            await self.reader.handle(tx, ledger, fresh)
        if self.reader.name != reader:
            # Another delivery in this process has seen the switch: the effect was the new one's, the position is not.
            raise PositionMoved(f"{reader} has become {self.reader.name} meanwhile")

    async def read_on(self, ledger: LedgerId, reached: int | None = None) -> tuple[int, bool]:
        """Read on from the ledger's owner, once: where the reader is now, and whether there may be more."""
        if reached is None:
            reached = (await self.reached()).get(ledger.gemeente, 0)
        if not (events := await self.source.read(ledger.gemeente, reached, READ_AT_ONCE)):
            return reached, False
        await self.deliver(ledger, events)
        return events[-1].position, len(events) == READ_AT_ONCE

    async def reached(self) -> dict[str, int]:
        """The reader's position in each ledger it has read from, by gemeente."""
        stored = await self.positions.reached(self.reader.name)
        return {name.removeprefix(f"{self.reader.source}/"): position for name, position in stored.items()}

    async def lag(self) -> Lag:
        """How far the reader is behind the ends of the ledgers it follows, all together."""
        reached = await self.reached()
        sizes = await self.source.sizes()
        behind = sum(max(0, size - reached.get(gemeente, 0)) for gemeente, size in sizes.items())
        return Lag(reached=sum(sizes.values()) - behind, behind=behind)


def following(ledger: LedgerId, position: int, events: Sequence[Recorded]) -> list[Recorded]:
    """Those of `events` that come after `position`; raises Gap where they do not follow it one by one."""
    fresh = [event for event in events if event.position > position]
    for expected, event in enumerate(fresh, start=position + 1):
        if event.position != expected:
            raise Gap(ledger, expected - 1, event.position)
    return fresh
