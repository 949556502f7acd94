"""Redrive: what a reader could not take is read anew from the ledger and given to it again, in its order.

It is read before anything is locked. Then, in one transaction, the reader's position is locked, so that the case's new
events wait until it is known whether they go through or wait on; what is held is compared with what was read, and
taken. Of a case with very many the rest stays held in between. A process that is killed in the middle of a transaction
leaves everything as it was before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from eventlog.connections import driver_in
from eventlog.errors import BrokenLedger, PositionMoved
from eventlog.ledger import LedgerId, Recorded
from eventlog.quarantine import QUARANTINED, Apart, Quarantine
from eventlog.reader import READ_AT_ONCE, Follower, Source

_NOT_TRIED_YET = "what was held before it is taken, and this is not tried yet: redrive the case again"


@dataclass(frozen=True, slots=True)
class Redriven:
    """How many events of the case were taken; `stopped_at` is the one that still cannot be, and `reason` says why."""

    taken: int
    stopped_at: int | None = None
    reason: str = ""


async def redrive(follower: Follower, ledger: LedgerId, case: str) -> Redriven:
    """Take what is held of `case`, up to the first event that still cannot be taken."""
    reader, quarantine = follower.reader, follower.quarantine
    if quarantine is None:
        raise LookupError(f"{reader.name} has no quarantine")
    taken = 0
    while True:
        name = reader.name
        async with follower.positions.asking() as connection:
            positions = await _held(connection, quarantine, name, ledger, case)
        if not positions:
            return Redriven(taken)
        # Whoever idles in a transaction for long loses it, and the owner may take longer than that to answer.
        events = await _read_anew(follower.source, ledger, positions)
        try:
            part = await _take(follower, quarantine, name, case, events)
        except PositionMoved:
            taken = 0  # The reader has switched to another generation: look what that one holds.
            continue
        taken += part.taken
        if part.stopped_at is not None:
            return replace(part, taken=taken)


async def _take(
    follower: Follower, quarantine: Quarantine, name: str, case: str, events: Sequence[Recorded]
) -> Redriven:
    """Give `events` to the reader if they still are the next that is held of `case`; none is taken where not."""
    reader, ledger, positions = follower.reader, events[0].ledger, [event.position for event in events]
    async with follower.positions.begin() as tx:
        await follower.positions.lock(tx, name, ledger)
        if (await _held(tx, quarantine, name, ledger, case))[: len(positions)] != positions:
            return Redriven(0)
        apart = Apart(tx, partial(reader.handle, tx, ledger), set())
        await apart.take(events)
        if reader.name != name:
            raise PositionMoved(f"{name} has become {reader.name} meanwhile")
        left = {held.event.position for held in apart.held}
        done = [position for position in positions if position not in left]
        await quarantine.release(tx, name, ledger, done)
        redriven = Redriven(len(done))
        if stopped := next((held for held in apart.held if held.reason is not None), None):
            redriven = Redriven(len(done), stopped.event.position, stopped.reason or "")
            await _blame(tx, quarantine, name, ledger, stopped.event.position, redriven.reason)
        elif rest := await _held(tx, quarantine, name, ledger, case):
            await _blame(tx, quarantine, name, ledger, rest[0], _NOT_TRIED_YET)
        await quarantine.mark(tx, name, ledger)
        # What a projection does not wait for is waited for here: the operator is told that it is done.
        await driver_in(tx).execute("SET LOCAL synchronous_commit = on")
    follower.moved(ledger)
    return redriven


async def _held(tx: AsyncConnection, quarantine: Quarantine, reader: str, ledger: LedgerId, case: str) -> list[int]:
    """The next positions of `case`, at most as many as are read at once: a long wait takes no more memory."""
    table = quarantine.table
    query = (
        select(table.c.position)
        .where(table.c.reader == reader, table.c.ledger == str(ledger), table.c.case_id == case)
        .order_by(table.c.position)
        .limit(READ_AT_ONCE)
    )
    return list((await tx.execute(query)).scalars())


async def _read_anew(source: Source, ledger: LedgerId, positions: Sequence[int]) -> list[Recorded]:
    """The events at `positions`; neighbours come in one read, and nothing that lies between them."""
    wanted, found = set(positions), dict[int, Recorded]()
    for position in positions:
        if position in found:
            continue
        adjacent = next(length for length in count(1) if position + length not in wanted)
        read = await source.read(ledger.gemeente, position - 1, adjacent)
        found |= {event.position: event for event in read if event.position in wanted}
        if position not in found:
            raise BrokenLedger(f"{ledger}/{position} is held in quarantine, but its ledger does not have it")
    return [found[position] for position in positions]


async def _blame(
    tx: AsyncConnection, quarantine: Quarantine, reader: str, ledger: LedgerId, position: int, reason: str
) -> None:
    """From `position` on the case is held."""
    table = quarantine.table
    await tx.execute(
        update(table)
        .where(table.c.reader == reader, table.c.ledger == str(ledger), table.c.position == position)
        .values(status=QUARANTINED, reason=reason)
    )
