"""The ledger in memory, under the same contract as the one in PostgreSQL; it forgets when the process ends."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import cast

from sqlalchemy.ext.asyncio import AsyncConnection

from eventlog.ledger import Append, AppendNow, Head, LedgerId, Outcome, Recorded
from eventlog.merkle import Frontier
from eventlog.sequencing import sequence
from eventlog.step import Step


class MemoryLedger:
    """The ledgers of one service as lists. One transaction runs at a time; a failed one leaves no trace."""

    def __init__(self, service: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.service = service
        self._clock = clock
        self._events: dict[str, list[Recorded]] = defaultdict(list)
        self._frontiers: dict[str, Frontier] = defaultdict(Frontier)
        self._one_at_a_time = asyncio.Lock()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        async with self._one_at_a_time:
            before = {gemeente: (len(events), self._frontiers[gemeente]) for gemeente, events in self._events.items()}
            try:
                yield cast(AsyncConnection, None)
            except BaseException:
                for gemeente in list(self._events):
                    size, self._frontiers[gemeente] = before.get(gemeente, (0, Frontier()))
                    del self._events[gemeente][size:]
                raise

    def asking(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return self.begin()

    async def append(self, tx: AsyncConnection, gemeente: str, appends: Sequence[Append]) -> list[Outcome]:
        events = self._events[gemeente]
        versions: dict[str, int] = {}
        for event in events:
            versions[event.stream] = event.version
        recorded_at = max([self._clock(), *(event.recorded_at for event in events[-1:])])
        sequenced = sequence(
            LedgerId(self.service, gemeente), self._frontiers[gemeente], versions, recorded_at, appends
        )
        events.extend(sequenced.events)
        self._frontiers[gemeente] = sequenced.frontier
        return sequenced.outcomes

    async def append_with(self, connection: AsyncConnection, step: Step, appends: Sequence[Append]) -> int | None:
        return None  # No reader's position is kept beside these ledgers.

    @asynccontextmanager
    async def appending(self, gemeente: str) -> AsyncIterator[AppendNow]:
        async def append_now(appends: Sequence[Append]) -> list[Outcome]:
            async with self.begin() as tx:
                return await self.append(tx, gemeente, appends)

        yield append_now

    async def read(self, tx: AsyncConnection, gemeente: str, after: int, limit: int = 1000) -> list[Recorded]:
        return self._events[gemeente][after : after + limit]

    async def read_streams(
        self, tx: AsyncConnection, gemeente: str, streams: Sequence[str]
    ) -> dict[str, list[Recorded]]:
        found: dict[str, list[Recorded]] = {stream: [] for stream in streams}
        for event in self._events[gemeente]:
            if event.stream in found:
                found[event.stream].append(event)
        return found

    async def sizes(self, tx: AsyncConnection) -> dict[str, int]:
        return {gemeente: len(events) for gemeente, events in self._events.items() if events}

    async def head(self, tx: AsyncConnection, gemeente: str) -> Head:
        frontier = self._frontiers[gemeente]
        return Head(frontier.size, frontier.root)
