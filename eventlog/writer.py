"""Group commit: what waits for one ledger goes into one transaction, and each caller gets its own answer."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable

from eventlog.errors import VersionConflict
from eventlog.ledger import Append, Ledger, Recorded

_BATCH = 500

_Waiting = tuple[Append, asyncio.Future[list[Recorded]]]


class Writer:
    """Appends to the ledgers of one service, one transaction at a time for each gemeente."""

    def __init__(self, ledger: Ledger, committed: Callable[[], None]) -> None:
        """`committed` is called after each commit, to wake who follows this ledger."""
        self._ledger = ledger
        self._committed = committed
        self._waiting: defaultdict[str, deque[_Waiting]] = defaultdict(deque)
        self._at_work: dict[str, asyncio.Task[None]] = {}

    async def append(self, gemeente: str, append: Append) -> list[Recorded]:
        """The events as stored, once they are durable; raises VersionConflict where the stream moved on.

        A lost connection raises the database's error and may or may not have stored them: send again and let the
        expected version tell.
        """
        done: asyncio.Future[list[Recorded]] = asyncio.get_running_loop().create_future()
        self._waiting[gemeente].append((append, done))
        if gemeente not in self._at_work:
            self._at_work[gemeente] = asyncio.create_task(self._drain(gemeente))
        return await done

    async def _drain(self, gemeente: str) -> None:
        waiting = self._waiting[gemeente]
        try:
            while waiting:
                await self._commit(gemeente, [waiting.popleft() for _ in range(min(_BATCH, len(waiting)))])
        finally:
            del self._at_work[gemeente]

    async def _commit(self, gemeente: str, batch: list[_Waiting]) -> None:
        try:
            async with self._ledger.begin() as tx:
                outcomes = await self._ledger.append(tx, gemeente, [append for append, _ in batch])
        except Exception as error:  # noqa: BLE001 - handed on, to every caller
            # What waits behind this batch may build on it: stored alone it would be out of order.
            batch += self._waiting[gemeente]
            self._waiting[gemeente].clear()
            for _, done in batch:
                if not done.done():
                    done.set_exception(error)
            return
        self._committed()
        for (_, done), outcome in zip(batch, outcomes, strict=True):
            if done.done():
                continue  # The caller went away; what it asked for is stored all the same.
            if isinstance(outcome, VersionConflict):
                done.set_exception(outcome)
            else:
                done.set_result(outcome)
