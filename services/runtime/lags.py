"""How far a reader is behind the ledgers that it follows, and since when it has not moved."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

from eventlog.errors import EventlogError, describe
from eventlog.reader import Follower
from services.runtime.standing import LedgerLag, ReaderStanding

_OWNER_PATIENCE_SECONDS = 2
_AGES_PATIENCE_SECONDS = 0.5
_AGES_AT_ONCE = 4


class Lags:
    """Remembers where each reader was, so that who stands still for `lag_seconds` is known."""

    def __init__(self, lag_seconds: float, clock: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._lag_seconds, self._clock, self._monotonic = lag_seconds, clock, monotonic
        self._moves: dict[tuple[str, str, str], tuple[int, float]] = {}

    async def of(self, service: str, follower: Follower) -> ReaderStanding:
        reader, source = follower.reader.name, follower.reader.source
        reached = await follower.reached()
        try:
            async with asyncio.timeout(_OWNER_PATIENCE_SECONDS):
                # A ledger that is gone has no size: it was put back to before it began.
                had = {gemeente: 0 for gemeente, position in reached.items() if position}
                sizes = had | await follower.source.sizes()
            positions = {gemeente: reached.get(gemeente, 0) for gemeente in sorted(sizes)}
            ages = await self._ages(follower, {one: at for one, at in positions.items() if at < sizes[one]})
        except (EventlogError, TimeoutError) as error:
            return ReaderStanding(service, reader, source, None, why_unknown=describe(error))
        lags = [
            self._lag((service, reader, gemeente), position, sizes[gemeente], ages.get(gemeente))
            for gemeente, position in positions.items()
        ]
        return ReaderStanding(service, reader, source, tuple(lags))

    async def _ages(self, follower: Follower, positions: Mapping[str, int]) -> dict[str, float]:
        """Seconds since the first event past each of `positions` was recorded, as far as there is time to ask."""
        turn = asyncio.Semaphore(_AGES_AT_ONCE)

        async def ask(gemeente: str, position: int) -> float:
            async with turn:
                found = await follower.source.read(gemeente, position, 1)
            if not found:  # The next look says so.
                raise EventlogError(f"{follower.reader.source}/{gemeente} was put back meanwhile")
            return max(0.0, (self._clock() - found[0].recorded_at).total_seconds())

        asked = {gemeente: asyncio.create_task(ask(gemeente, at)) for gemeente, at in positions.items()}
        try:
            answered, _ = await asyncio.wait(asked.values(), timeout=_AGES_PATIENCE_SECONDS) if asked else (set(), ())
            return {gemeente: one.result() for gemeente, one in asked.items() if one in answered}
        finally:
            for one in asked.values():
                one.cancel()
            await asyncio.gather(*asked.values(), return_exceptions=True)

    def _lag(self, where: tuple[str, str, str], position: int, size: int, seconds: float | None) -> LedgerLag:
        """An age that there was no time to ask is at least as long as was seen that nothing moves."""
        gemeente = where[-1]
        if position >= size:
            return LedgerLag(gemeente, 0, 0.0, stuck=position > size, put_back=position - size)
        still = self._still_seconds(where, position)
        seconds = still if seconds is None else seconds
        return LedgerLag(gemeente, size - position, seconds, min(seconds, still) > self._lag_seconds)

    def _still_seconds(self, where: tuple[str, str, str], position: int) -> float:
        """Since when it is behind and has not moved."""
        now = self._monotonic()
        before, since = self._moves.get(where, (None, now))
        if before != position:
            since = now
        self._moves[where] = (position, since)
        return now - since
