"""Group commit: what waits for one ledger goes into one transaction, and each caller gets its own answer."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

from eventlog.errors import VersionConflict
from eventlog.ledger import Append, AppendNow, Ledger, Outcome, Recorded

_BATCH = 500
_HALVED = 64

_Waiting = tuple[Append, asyncio.Future[list[Recorded]]]


class Writer:
    """Appends to the ledgers of one service, one transaction at a time for each gemeente."""

    def __init__(self, ledger: Ledger, committed: Callable[[str], None]) -> None:
        """`committed` is called with the gemeente after each commit, to wake who follows this ledger."""
        self._ledger = ledger
        self._committed = committed
        self._waiting: defaultdict[str, deque[_Waiting]] = defaultdict(deque)
        self._at_work: dict[str, asyncio.Task[None]] = {}

    async def append(self, gemeente: str, append: Append) -> list[Recorded]:
        """The events as stored, once they are durable; raises VersionConflict where the stream moved on.

        A lost connection raises the database's error and may or may not have stored them: send again and let the
        expected version tell. What is not sent yet when its caller goes away is not sent: a backlog ends with callers.
        """
        done: asyncio.Future[list[Recorded]] = asyncio.get_running_loop().create_future()
        self._waiting[gemeente].append((append, done))
        if gemeente not in self._at_work:
            self._at_work[gemeente] = asyncio.create_task(self._drain(gemeente))
        try:
            return await done
        except asyncio.CancelledError:
            with suppress(ValueError):  # It was sent already, and will be stored.
                self._waiting[gemeente].remove((append, done))
            raise

    async def _drain(self, gemeente: str) -> None:
        waiting, unanswered = self._waiting[gemeente], deque[_Waiting]()
        try:
            async with self._ledger.appending(gemeente) as append_now:
                await self._store(gemeente, append_now, waiting, unanswered)
        except Exception as error:  # noqa: BLE001 - handed on, to every caller
            # What waits behind a batch that failed may build on it: stored alone it would be out of order.
            for _, done in (*unanswered, *waiting):
                if not done.done():
                    done.set_exception(error)
            waiting.clear()
        finally:
            del self._at_work[gemeente]
            if waiting:  # came while the connection was given back
                self._at_work[gemeente] = asyncio.create_task(self._drain(gemeente))

    async def _store(
        self, gemeente: str, append_now: AppendNow, waiting: deque[_Waiting], unanswered: deque[_Waiting]
    ) -> None:
        """Until nobody waits: one batch is being stored while the next is numbered and who was answered asks anew."""
        under_way: asyncio.Task[list[Outcome]] | None = None
        ahead: Coroutine[Any, Any, list[Outcome]] | None = None
        try:
            while under_way or waiting:
                if under_way is None:
                    under_way = asyncio.create_task(append_now(_next_batch(waiting, unanswered)))
                await asyncio.sleep(0)  # Now it is sent.
                stored = len(unanswered)
                ahead = append_now(_next_batch(waiting, unanswered)) if waiting else None
                outcomes = await under_way
                # The next is sent before the callers are told: they have something to do while it is stored.
                under_way, ahead = asyncio.create_task(ahead) if ahead else None, None
                self._committed(gemeente)
                _answer([unanswered.popleft() for _ in range(stored)], outcomes)
                if not under_way and not waiting:
                    await asyncio.sleep(0)  # Who was answered may ask again: keep the connection for that.
        finally:
            if ahead is not None:
                ahead.close()
            if under_way is not None:
                await asyncio.wait([under_way])  # The connection is given back when nothing runs on it.


def _next_batch(waiting: deque[_Waiting], unanswered: deque[_Waiting]) -> list[Append]:
    """All that wait, or of many callers half: so that one half asks anew while the other half is being stored."""
    outstanding = len(waiting) + len(unanswered)
    most = outstanding // 2 if outstanding > _HALVED else outstanding
    batch = [waiting.popleft() for _ in range(min(_BATCH, most, len(waiting)))]
    unanswered.extend(batch)
    return [append for append, _ in batch]


def _answer(batch: Sequence[_Waiting], outcomes: Sequence[Outcome]) -> None:
    for (_, done), outcome in zip(batch, outcomes, strict=True):
        if done.done():
            continue  # The caller went away; what it asked for is stored all the same.
        if isinstance(outcome, VersionConflict):
            done.set_exception(outcome)
        else:
            done.set_result(outcome)
