"""The relay, which publishes a service's ledgers: the ledger is the outbox, the relay's position says what is out."""

from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from eventlog.ledger import LedgerId, Recorded
from eventlog.wire import Outgoing, outgoing


class Relay:
    """Publishes events in their order, at least once: what the broker has no rollback takes back."""

    name = "relay"

    def __init__(self, service: str, publish: Callable[[Sequence[Outgoing]], Awaitable[None]]) -> None:
        self.source = service
        self._publish = publish

    async def handle(self, tx: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        await self._publish([outgoing(event) for event in events])
