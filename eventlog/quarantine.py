"""The quarantine: an event that a reader cannot take holds up its own case, and nothing else.

The case is the envelope's, or the event's stream where it names none. Later events of the case wait behind the one that
could not be taken, so that nothing is taken out of order; the position moves on for all. Whoever changes the quarantine
of a reader in a ledger holds the lock of the reader's position there, so two instances and a redrive agree.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field

import structlog
from sqlalchemy import ARRAY, Text, any_, cast, delete, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from eventlog.blame import is_the_records, reason_of
from eventlog.ledger import LedgerId, Recorded
from eventlog.tables import quarantine_table, readers_table

QUARANTINED, WAITING = "quarantined", "waiting"

log = structlog.get_logger()

Handle = Callable[[Sequence[Recorded]], Awaitable[None]]
"""The reader's effect of some events, all or nothing, in the transaction at hand."""


@dataclass(frozen=True, slots=True)
class Held:
    """An event that is not taken: the reason why, or none where it waits behind another of its case."""

    event: Recorded
    reason: str | None


def case_of(event: Recorded) -> str:
    return event.case or event.stream


@dataclass(slots=True)
class Apart:
    """Takes events in order and, where that fails, in ever smaller parts, until only those that cannot be are left.

    One bad event in a batch of 1000 costs some twenty attempts; each is undone by its savepoint.
    """

    tx: AsyncConnection
    handle: Handle
    blocked: set[str]
    held: list[Held] = field(default_factory=list)

    async def take(self, events: Sequence[Recorded]) -> None:
        free = []
        for event in events:
            if case_of(event) in self.blocked:
                self.held.append(Held(event, None))
            else:
                free.append(event)
        if not free or (error := await self._attempt(free)) is None:
            return
        if len(free) == 1:
            self.blocked.add(case_of(free[0]))
            self.held.append(Held(free[0], reason_of(error)))
            return
        middle = len(free) // 2
        await self.take(free[:middle])
        await self.take(free[middle:])

    async def _attempt(self, events: Sequence[Recorded]) -> Exception | None:
        try:
            async with self.tx.begin_nested():
                await self.handle(events)
        except Exception as error:
            if not is_the_records(error):
                raise
            return error
        return None


class Quarantine:
    """What the readers of `service` could not take, kept beside their effects."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.table = quarantine_table(service)
        self._readers = readers_table(service)

    async def take(
        self, tx: AsyncConnection, reader: str, ledger: LedgerId, events: Sequence[Recorded], handle: Handle
    ) -> None:
        """Have `handle` take what it can of `events` and hold the rest; the caller has locked the position in `tx`."""
        # What is held nobody handles, and what fails is undone: so whether it is the reader's still is asked by itself.
        await handle(())
        apart = Apart(tx, handle, await self.blocked(tx, reader, ledger, map(case_of, events)))
        await apart.take(events)
        await self.hold(tx, reader, ledger, apart.held)

    async def blocked(self, tx: AsyncConnection, reader: str, ledger: LedgerId, cases: Iterable[str]) -> set[str]:
        """Which of `cases` have an event in quarantine."""
        table = self.table
        asked = any_(cast(list(set(cases)), ARRAY(Text)))
        query = select(table.c.case_id).where(
            table.c.reader == reader,
            table.c.ledger == str(ledger),
            table.c.case_id == asked,
            table.c.status == QUARANTINED,
        )
        return set((await tx.execute(query)).scalars())

    async def hold(self, tx: AsyncConnection, reader: str, ledger: LedgerId, held: Sequence[Held]) -> None:
        if not held:
            return
        rows = [
            {
                "reader": reader,
                "ledger": str(ledger),
                "position": one.event.position,
                "case_id": case_of(one.event),
                "type": one.event.type,
                "status": WAITING if one.reason is None else QUARANTINED,
                "reason": one.reason or "",
            }
            for one in held
        ]
        await tx.execute(insert(self.table), rows)
        await self.mark(tx, reader, ledger)
        for one in held:
            if one.reason is not None:
                _say(reader, one)

    async def release(self, tx: AsyncConnection, reader: str, ledger: LedgerId, positions: Sequence[int]) -> None:
        """Forget the events at `positions`."""
        table = self.table
        await tx.execute(
            delete(table).where(
                table.c.reader == reader, table.c.ledger == str(ledger), table.c.position.in_(positions)
            )
        )

    async def mark(self, tx: AsyncConnection, reader: str, ledger: LedgerId) -> None:
        """Bring `readers.held` in step with the rows."""
        held, readers = self.table, self._readers
        any_held = exists().where(held.c.reader == reader, held.c.ledger == str(ledger))
        await tx.execute(
            update(readers).where(readers.c.reader == reader, readers.c.ledger == str(ledger)).values(held=any_held)
        )


def _say(reader: str, one: Held) -> None:
    event = one.event
    log.error(
        "event quarantined",
        reader=reader,
        ledger=str(event.ledger),
        position=event.position,
        stream=event.stream,
        type=event.type,
        correlation_id=event.correlation,
        reason=one.reason,
    )
