"""Redrive: what a reader could not take is read anew from the ledger and given to it again, in its order.

One transaction per case: the reader's position is locked, so the case's new events wait until it is known whether they
go through or wait on. A process that is killed in the middle leaves everything as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from eventlog.connections import driver_in
from eventlog.errors import BrokenLedger, PositionMoved
from eventlog.ledger import LedgerId, Recorded
from eventlog.quarantine import QUARANTINED, Apart, Quarantine
from eventlog.reader import READ_AT_ONCE, Follower, Source


@dataclass(frozen=True, slots=True)
class Redriven:
    """How many events of the case were taken; `stopped_at` is the one that still cannot be, and `reason` says why."""

    taken: int
    stopped_at: int | None = None
    reason: str = ""


async def redrive(follower: Follower, ledger: LedgerId, case: str) -> Redriven:
    """Take what is held of `case`, up to the first event that still cannot be taken."""
    while True:
        try:
            redriven = await _redrive(follower, ledger, case)
        except PositionMoved:
            continue  # The reader has switched to another generation: look what that one holds.
        follower.moved(ledger)
        return redriven


async def _redrive(follower: Follower, ledger: LedgerId, case: str) -> Redriven:
    reader, quarantine = follower.reader, follower.quarantine
    if quarantine is None:
        raise LookupError(f"{reader.name} has no quarantine")
    name, taken = reader.name, 0
    async with follower.positions.begin() as tx:
        await follower.positions.lock(tx, name, ledger)
        apart = Apart(tx, partial(reader.handle, tx, ledger), set())
        while not apart.held and (positions := await _held(tx, quarantine, name, ledger, case)):
            await apart.take(await _read_anew(follower.source, ledger, positions))
            if reader.name != name:
                raise PositionMoved(f"{name} has become {reader.name} meanwhile")
            left = {held.event.position for held in apart.held}
            done = [position for position in positions if position not in left]
            await quarantine.release(tx, name, ledger, done)
            taken += len(done)
        stopped = next((held for held in apart.held if held.reason is not None), None)
        if stopped is not None:
            await _blame(tx, quarantine, name, stopped.event, stopped.reason or "")
        await quarantine.mark(tx, name, ledger)
        # What a projection does not wait for is waited for here: the operator is told that it is done.
        await driver_in(tx).execute("SET LOCAL synchronous_commit = on")
    return Redriven(taken, stopped.event.position, stopped.reason or "") if stopped else Redriven(taken)


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
    """The events at `positions`; neighbours come in one read."""
    wanted, found = set(positions), dict[int, Recorded]()
    for position in positions:
        if position in found:
            continue
        span = min(READ_AT_ONCE, positions[-1] - position + 1)
        read = await source.read(ledger.gemeente, position - 1, span)
        found |= {event.position: event for event in read if event.position in wanted}
        if position not in found:
            raise BrokenLedger(f"{ledger}/{position} is held in quarantine, but its ledger does not have it")
    return [found[position] for position in positions]


async def _blame(tx: AsyncConnection, quarantine: Quarantine, reader: str, event: Recorded, reason: str) -> None:
    table = quarantine.table
    await tx.execute(
        update(table)
        .where(table.c.reader == reader, table.c.ledger == str(event.ledger), table.c.position == event.position)
        .values(status=QUARANTINED, reason=reason)
    )
