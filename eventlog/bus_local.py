"""The local bus: each reader reads on from the ledger itself, woken by a commit in this process and by a poll."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from time import monotonic

import structlog

from eventlog.errors import Gap, PositionMoved, describe
from eventlog.ledger import LedgerId
from eventlog.reader import Follower

_POLL_SECONDS = 0.25
_LONGEST_WAIT_SECONDS = 5.0

log = structlog.get_logger()


class Wake:
    """The gemeenten in whose ledgers something was committed since somebody last asked."""

    def __init__(self) -> None:
        self._gemeenten: set[str] = set()
        self._event = asyncio.Event()

    def add(self, gemeente: str) -> None:
        self._gemeenten.add(gemeente)
        self._event.set()

    def take(self) -> set[str]:
        self._event.clear()
        taken, self._gemeenten = self._gemeenten, set()
        return taken

    async def wait(self) -> None:
        await self._event.wait()


class Wakes:
    """Tells the readers of a service's ledgers where something was committed; several commits make one wake."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Wake]] = {}

    def subscribe(self, service: str) -> Wake:
        wake = Wake()
        self._waiting.setdefault(service, []).append(wake)
        return wake

    def wake(self, service: str, gemeente: str) -> None:
        for wake in self._waiting.get(service, ()):
            wake.add(gemeente)


class Pull:
    """Runs one follower from its source until it is stopped. What fails is tried again from the stored position."""

    def __init__(self, follower: Follower, wakes: Wakes) -> None:
        self._follower = follower
        self._wake = wakes.subscribe(follower.reader.source)
        self._task: asyncio.Task[None] | None = None
        self._reached: dict[str, int] = {}
        self._failing: dict[str, tuple[float, float]] = {}
        """gemeente -> (seconds to wait, the moment until which it is left alone)"""

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"pull {self._follower.reader.name}")

    async def stop(self) -> None:
        """Ends between transactions or rolls the running one back: both leave effect and position together."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        wait, look_at, more = _POLL_SECONDS, 0.0, set[str]()
        while True:
            woken = self._wake.take()
            if monotonic() < look_at:
                more = await self._read([*woken - more, *more])  # Who comes new goes before those that have a backlog.
            else:
                try:
                    more = await self._read(sorted(await self._longer(), key=more.__contains__))
                    wait = _POLL_SECONDS
                except Exception as error:  # noqa: BLE001 - whatever it is, the reader must go on from its position
                    self._reached.clear()
                    more.clear()
                    wait = min(wait * 2, _LONGEST_WAIT_SECONDS)
                    self._say(self._follower.reader.source, error)
                look_at = monotonic() + wait
            if more:
                continue
            await asyncio.sleep(self._follower.patience_seconds)
            # A commit of this process wakes; the time-out is the poll, for what another process wrote.
            with suppress(TimeoutError):
                async with asyncio.timeout(look_at - monotonic()):  # wait_for would not hear of a stop as a wake comes
                    await self._wake.wait()

    async def _longer(self) -> list[str]:
        """The gemeenten whose ledgers are longer than what has been read of them."""
        sizes = await self._follower.source.sizes()
        stands = await self._follower.reached()
        for gemeente, reached in list(self._reached.items()):
            # The database is an earlier one, or crashed and forgot the last moves: where the reader is stands there.
            if reached > min(sizes.get(gemeente, 0), stands.get(gemeente, 0)):
                del self._reached[gemeente]
        return [gemeente for gemeente, size in sizes.items() if self._reached.get(gemeente, 0) < size]

    async def _read(self, gemeenten: Iterable[str]) -> set[str]:
        """Read on once in each of these ledgers, so that a long backlog holds up no other; those that have more.

        One that fails is left alone for a while, which is nobody else's.
        """
        longer = set[str]()
        for gemeente in gemeenten:
            wait, again_at = self._failing.get(gemeente, (_POLL_SECONDS, 0.0))
            if monotonic() < again_at:
                continue
            ledger = LedgerId(self._follower.reader.source, gemeente)
            known = self._reached.pop(gemeente, None)
            try:
                self._reached[gemeente], more = await self._follower.read_on(ledger, known)
                self._failing.pop(gemeente, None)
                longer |= {gemeente} if more else set()
            except PositionMoved:
                self._reached.clear()  # Another instance, or a switch to another generation: look again where it is.
            except Exception as error:  # noqa: BLE001 - whatever it is, the other gemeenten go on
                if known is not None and isinstance(error, Gap):
                    continue  # The reader was put back to an earlier position: the next look goes on from there.
                # The position has not moved: nothing is lost. The reader's lag shows that it stands still.
                wait = min(wait * 2, _LONGEST_WAIT_SECONDS)
                self._failing[gemeente] = wait, monotonic() + wait
                self._say(str(ledger), error)
        return longer

    def _say(self, where: str, error: Exception) -> None:
        log.error("reader stopped, will try again", reader=self._follower.reader.name, at=where, error=describe(error))
