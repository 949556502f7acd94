"""Keeps a machine up as `restart: unless-stopped` does, and counts what befell it."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic

from tests.faults.machines import Machine

_LOOK_SECONDS = 0.05


@dataclass
class Tally:
    """What was done to one machine, and in how many seconds after a kill or stop it was ready again."""

    kills: int = 0
    kills_while_starting: int = 0
    pauses: int = 0
    stops: int = 0
    ended_by_itself: list[str] = field(default_factory=list)
    """What it said last, each time."""
    back_seconds: list[float] = field(default_factory=list)


class Keeper:
    """Starts its machine again whenever it is gone, until it is told to let it be."""

    def __init__(self, name: str, machine: Machine) -> None:
        self.name, self.machine, self.tally = name, machine, Tally()
        self.ready = asyncio.Event()
        self._down_seconds = 0.0
        self._disturbed = self._recovering = False
        self._is_stopping = False
        self._gone_at = monotonic()
        self._ready_at, self._at_work_seconds = 0.0, 0.0
        self._pauses = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep(), name=f"keep {self.name}")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self.machine.kill()

    @property
    def at_work_seconds(self) -> float:
        """For how long it has been ready in all."""
        return self._at_work_seconds + (monotonic() - self._ready_at if self.ready.is_set() else 0.0)

    def kill(self, down_seconds: float, lived_seconds: float | None = None) -> bool:
        """kill -9, and stay down for a while.

        False where it is down already, is to end by itself, or has not been ready for `lived_seconds` and is spared
        for it; None spares nobody.
        """
        if not self.machine.runs() or self._is_stopping:
            return False
        if lived_seconds is not None and not (self.ready.is_set() and monotonic() - self._ready_at >= lived_seconds):
            return False
        self._disturb(down_seconds)
        self.tally.kills += 1
        self.tally.kills_while_starting += not self.ready.is_set()
        self.machine.kill()
        return True

    def stopping(self, down_seconds: float) -> None:
        """It was asked to end; the caller sees to it that it does."""
        self._disturb(down_seconds)
        self._is_stopping = True
        self.tally.stops += 1

    async def pause(self, seconds: float) -> None:
        """Frozen for `seconds`; a kill meanwhile ends it."""
        self.tally.pauses += 1
        self._pauses += 1
        self.machine.pause()
        try:
            await asyncio.sleep(seconds)
        finally:
            self._pauses -= 1
            if not self._pauses:
                self.machine.resume()

    def _disturb(self, down_seconds: float) -> None:
        self._down_seconds, self._disturbed = down_seconds, True

    async def _keep(self) -> None:
        while True:
            self._disturbed = self._is_stopping = False
            if await self._begin() and await self._until_ready():
                self.ready.set()
                self._ready_at = monotonic()
                if self._recovering:
                    self.tally.back_seconds.append(monotonic() - self._gone_at)
                self._recovering = False
                while self.machine.runs():
                    await asyncio.sleep(_LOOK_SECONDS)
                self._gone_at = monotonic()
                self.ready.clear()
                self._at_work_seconds += self._gone_at - self._ready_at
            if not self._disturbed:
                self.tally.ended_by_itself.append(self.machine.last_words())
            self._recovering = self._recovering or self._disturbed
            down, self._down_seconds = self._down_seconds, 1.0
            await asyncio.sleep(down)

    async def _begin(self) -> bool:
        try:
            if not self.machine.runs():
                await asyncio.to_thread(self.machine.start)
        except RuntimeError:
            return False
        return True

    async def _until_ready(self) -> bool:
        while self.machine.runs():
            if await self.machine.is_ready():
                return True
            await asyncio.sleep(_LOOK_SECONDS)
        return False
