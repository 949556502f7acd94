"""What the bus brings, delivered to a reader in its order: what is missing is asked for, what fails is tried again."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import structlog

from eventlog.errors import Gap, PositionMoved, UnreadableRecord, describe
from eventlog.ledger import LedgerId, Recorded
from eventlog.reader import Follower
from eventlog.wire import by_ledger, incoming, recorded

_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.1, 5.0

EVER = datetime.min.replace(tzinfo=UTC)

log = structlog.get_logger()


class Delivery:
    """What the bus brings to one reader. A ledger that can take nothing is left to the watch and delays no other.

    The position is the truth: what is passed over the watch reads from the ledger's owner, and so does what comes next.
    """

    def __init__(self, follower: Follower, group: str, begun: datetime = EVER) -> None:
        """What was recorded before `begun` is read from the owner: a restore may have taken it from there."""
        self._follower, self._group, self._begun = follower, group, begun
        self._failing: dict[LedgerId, tuple[float, float]] = {}
        """ledger -> (seconds to wait, the moment until which it is left alone)"""

    async def take(self, batch: Sequence[Any]) -> None:
        """Returns when the effect of all of `batch`, as the client library has its records, is committed.

        Or of all but the ledgers that are left to the watch. While the database is away, none is.
        """
        grouped, wait = by_ledger(_readable(batch)), _FIRST_WAIT_SECONDS
        left = {ledger: events for ledger, events in grouped.items() if not self._is_left_alone(ledger)}
        while left:
            try:
                for ledger in list(left):
                    if await self._is_done_with(ledger, left[ledger]):
                        del left[ledger]
                if not left:
                    return
            except Exception as error:  # noqa: BLE001 - whatever it is, the batch must not be passed
                # Raising would let the consumer go past this batch. Its lag shows that it stands still.
                log.error("batch not taken, will try again", group=self._group, error=describe(error), seconds=wait)
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT_SECONDS)

    async def _is_done_with(self, ledger: LedgerId, events: Sequence[Recorded]) -> bool:
        """Whether `events` are taken or left to the watch; raises where nothing can be taken of any ledger."""
        try:
            await deliver_for_sure(self._follower, ledger, events, self._begun)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other ledgers go on
            await self._follower.reached()  # Where the database is away, that is what is said and waited for.
            seconds = min(self._failing.get(ledger, (0.0, 0.0))[0] * 2 or _FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS)
            self._failing[ledger] = seconds, monotonic() + seconds
            about = {"group": self._group, "ledger": str(ledger), "error": describe(error), "seconds": seconds}
            log.error("ledger not taken, the others go on", **about)
            return seconds > _FIRST_WAIT_SECONDS  # What passes by itself is over when it is tried once more.
        self._failing.pop(ledger, None)
        return True

    def _is_left_alone(self, ledger: LedgerId) -> bool:
        return monotonic() < self._failing.get(ledger, (0.0, 0.0))[1]


async def deliver_for_sure(
    follower: Follower, ledger: LedgerId, events: Sequence[Recorded], begun: datetime = EVER
) -> None:
    """Deliver `events`; what is missing before them, or was recorded before `begun`, comes from the ledger's owner.

    Of a long backlog only what one read brings, so that nobody waits for it: the watch reads on.
    """
    new = [event for event in events if event.recorded_at >= begun]
    while True:
        try:
            if len(new) < len(events):
                await _read_on(follower, ledger)
            return await _deliver(follower, ledger, new)
        except PositionMoved:
            log.info("another instance moved the reader", reader=follower.reader.name, ledger=str(ledger))


async def _deliver(follower: Follower, ledger: LedgerId, events: Sequence[Recorded]) -> None:
    while True:
        try:
            return await follower.deliver(ledger, events)
        except Gap as gap:
            log.warning("gap, reading from the owner", reader=follower.reader.name, gap=str(gap))
            reached, more = await _read_on(follower, ledger)
            if reached >= gap.arrived - 1:
                continue
            if not more:
                # The ledger is the truth: after a restore the topic may still hold what the ledger lost.
                log.error("the owner has no such event, left out", reader=follower.reader.name, gap=str(gap))
            return None


async def _read_on(follower: Follower, ledger: LedgerId) -> tuple[int, bool]:
    reached, more = await follower.read_on(ledger)
    if more:
        follower.backlogs.add(ledger.gemeente)
    return reached, more


def _readable(batch: Iterable[Any]) -> Iterable[Recorded]:
    for record in batch:
        try:
            yield recorded(incoming(record))
        except UnreadableRecord as error:
            # Nothing is lost: the ledger has the event, and the reader asks for the position it misses.
            log.error("record not readable, left to the ledger", error=str(error))
