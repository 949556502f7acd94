"""Group commit: what waits for one ledger goes into one transaction, and each caller gets its own answer."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Sequence

from eventlog.errors import VersionConflict
from eventlog.ledger import Append, Ledger, Outcome, Recorded

_BATCH = 500
_HALVED = 64

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
        waiting, batch = self._waiting[gemeente], list[_Waiting]()
        try:
            async with self._ledger.appending(gemeente) as append_now:
                while waiting:
                    batch = _next_batch(waiting, len(batch))
                    outcomes = await append_now([append for append, _ in batch])
                    self._committed()
                    _answer(batch, outcomes)
                    if not waiting:
                        await asyncio.sleep(0)  # Who was answered may ask again: keep the connection for that.
                batch = []
        except Exception as error:  # noqa: BLE001 - handed on, to every caller
            # What waits behind this batch may build on it: stored alone it would be out of order.
            for _, done in (*batch, *waiting):
                if not done.done():
                    done.set_exception(error)
            waiting.clear()
        finally:
            del self._at_work[gemeente]
            if waiting:  # came while the connection was given back
                self._at_work[gemeente] = asyncio.create_task(self._drain(gemeente))


def _next_batch(waiting: deque[_Waiting], answered: int) -> list[_Waiting]:
    """All that wait, or of many callers half: while one half is being stored, the other asks anew."""
    outstanding = len(waiting) + answered
    most = outstanding // 2 if outstanding > _HALVED else outstanding
    return [waiting.popleft() for _ in range(min(_BATCH, most, len(waiting)))]


def _answer(batch: Sequence[_Waiting], outcomes: Sequence[Outcome]) -> None:
    for (_, done), outcome in zip(batch, outcomes, strict=True):
        if done.done():
            continue  # The caller went away; what it asked for is stored all the same.
        if isinstance(outcome, VersionConflict):
            done.set_exception(outcome)
        else:
            done.set_result(outcome)
