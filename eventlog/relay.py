"""The relay, which publishes a service's ledgers: the ledger is the outbox, the relay's position says what is out."""

from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from eventlog.ledger import LedgerId, Recorded
from eventlog.reader import Follower, following
from eventlog.wire import Outgoing, outgoing


class Relay:
    """Publishes events in their order."""

    name = "relay"

    def __init__(self, service: str, publish: Callable[[Sequence[Outgoing]], Awaitable[None]]) -> None:
        self.source = service
        self._publish = publish

    async def handle(self, tx: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        await self._publish([outgoing(event) for event in events])


class RelayFollower(Follower):
    """Moves the relay: it publishes first and then says so, and no transaction is open meanwhile.

    What the broker has no rollback takes back. So a relay that was killed in between, or has a second instance beside
    it, publishes some events again, and whoever reads them skips what it has had.
    """

    async def deliver(self, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        """Publish all of `events`, which follow what has been published; raises PositionMoved where they did not."""
        found, reached = events[0].position - 1, events[-1].position
        fresh = following(ledger, found, events)
        async with self.positions.asking() as connection:
            await self.reader.handle(connection, ledger, fresh)
            if not found:
                await self.positions.begin_at_the_start(connection, self.reader.name, ledger)
            await self.positions.move(connection, self.reader.name, ledger, found, reached)
        self.moved(ledger)
