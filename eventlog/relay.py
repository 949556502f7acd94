"""The relay, which publishes a service's ledgers: the ledger is the outbox, the relay's position says what is out."""

from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from eventlog.connections import driver_in
from eventlog.ledger import LedgerId, Recorded
from eventlog.reader import READ_AT_ONCE, Follower, following
from eventlog.tables import RECORDED_COLUMNS
from eventlog.wire import Outgoing, outgoing


class Relay:
    """Publishes events in their order, at least once: what the broker has no rollback takes back."""

    name = "relay"

    def __init__(self, service: str, publish: Callable[[Sequence[Outgoing]], Awaitable[None]]) -> None:
        self.source = service
        self._publish = publish

    async def handle(self, tx: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        await self._publish([outgoing(event) for event in events])


# Compare and set: of two instances one has the row, and the other, when its turn comes, finds the reader elsewhere.
# That it was published need not be durable at once: should the database forget it, it is published again.
_NEXT = """
    WITH next AS (
        SELECT * FROM {service}.events WHERE gemeente = $3 AND position > $4 ORDER BY position LIMIT $5
    ), moved AS (
        UPDATE {service}.readers SET position = (SELECT max(position) FROM next)
        WHERE reader = $1 AND ledger = $2 AND position = $4 AND EXISTS (SELECT FROM next)
        RETURNING set_config('synchronous_commit', 'off', true)
    )
    SELECT {columns} FROM next WHERE EXISTS (SELECT FROM moved) ORDER BY position
"""


class Publishing(Follower):
    """Moves a publisher along the ledgers of its own service, which are in one database with its position.

    So one statement reads what is to be published and moves the position past it. Its transaction ends when the broker
    has all of it, or undoes the move; meanwhile no other instance can publish from the same ledger.
    """

    async def read_on(self, ledger: LedgerId, reached: int | None = None) -> tuple[int, bool]:
        if reached is None:
            reached = await self._stands(ledger)
        async with self.positions.begin() as tx:
            events = await self._next(tx, ledger, reached)
            if events:
                await self.reader.handle(tx, ledger, events)
        if not events:
            stands = await self._stands(ledger)
            return stands, stands != reached  # Another instance has gone on from there.
        self.moved(ledger)
        return events[-1].position, len(events) == READ_AT_ONCE

    async def _next(self, tx: AsyncConnection, ledger: LedgerId, reached: int) -> list[Recorded]:
        statement = _NEXT.format(service=ledger.service, columns=", ".join(RECORDED_COLUMNS))
        asked = self.reader.name, str(ledger), ledger.gemeente, reached, READ_AT_ONCE
        rows = await driver_in(tx).fetch(statement, *asked)
        return following(ledger, reached, [Recorded(ledger, *row) for row in rows])

    async def _stands(self, ledger: LedgerId) -> int:
        async with self.positions.begin() as tx:
            return await self.positions.lock(tx, self.reader.name, ledger)
