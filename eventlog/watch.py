"""The watch beside a bus: a reader that stays behind its source while the bus brings it nothing reads on by itself.

A gap shows only when something later arrives. What a topic no longer has, or what was missed while a database was away,
would wait for the gemeente's next event: this looks at the owner now and then and catches up where nothing moves.
"""

import asyncio
from collections.abc import Mapping
from time import monotonic

import structlog

from eventlog.errors import describe
from eventlog.ledger import LedgerId
from eventlog.reader import Follower

_LOOK_SECONDS = 2.0

log = structlog.get_logger()


class BusWatch:
    """Watches one follower; safe with several instances, for each batch still moves the position once."""

    def __init__(self, follower: Follower, every_seconds: float = _LOOK_SECONDS) -> None:
        self._follower = follower
        self._every_seconds = every_seconds
        self._task: asyncio.Task[None] | None = None
        self._reading: dict[str, int] = {}
        """gemeente -> how far its backlog is read"""

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"watch {self._follower.reader.name}")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        seen: Mapping[str, int] = {}
        while True:
            if not self._reading:
                await asyncio.sleep(self._every_seconds)
            try:
                seen = await self.look(seen)
            except Exception as error:  # noqa: BLE001 - the next look tries again; the reader's lag shows
                self._reading.clear()
                log.warning("watch failed", reader=self._follower.reader.name, error=describe(error))

    async def look(self, seen: Mapping[str, int]) -> dict[str, int]:
        """Read on in the ledgers that are where they were when last `seen`, in turns; where all that are behind are.

        In those too of which the bus showed a backlog, however they move: it brings little of it. What is not read by
        the time of the next look is read on then.
        """
        follower = self._follower
        sizes = await follower.source.sizes()
        reached = await follower.reached()
        behind: dict[str, int] = {}
        for gemeente, size in sizes.items():
            position = reached.get(gemeente, 0)
            if position >= size:
                continue
            behind[gemeente] = position
            is_left_to_us = seen.get(gemeente) == position or gemeente in follower.backlogs
            if is_left_to_us and gemeente not in self._reading:
                ledger = str(self._ledger(gemeente))
                log.warning("reading from the owner", reader=follower.reader.name, ledger=ledger, position=position)
                self._reading[gemeente] = position
        follower.backlogs.clear()
        next_look = monotonic() + self._every_seconds
        await self._read_on()
        while self._reading and monotonic() < next_look:
            await self._read_on()
        return behind

    async def _read_on(self) -> None:
        """Once in each ledger whose backlog is being read."""
        follower = self._follower
        for gemeente, reached in list(self._reading.items()):
            ledger, more = self._ledger(gemeente), False
            try:
                self._reading[gemeente], more = await follower.read_on(ledger, reached)
            except Exception as error:  # noqa: BLE001 - the other gemeenten go on, this one at the next look
                log.warning("watch failed", reader=follower.reader.name, ledger=str(ledger), error=describe(error))
            if not more:
                del self._reading[gemeente]

    def _ledger(self, gemeente: str) -> LedgerId:
        return LedgerId(self._follower.reader.source, gemeente)
