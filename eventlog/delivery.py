"""What the bus brings, delivered to a reader in its order: what is missing is asked for, what fails is tried again."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import structlog

from eventlog.errors import Gap, PositionMoved, UnreadableRecord, describe
from eventlog.ledger import LedgerId, Recorded
from eventlog.reader import Follower
from eventlog.wire import by_ledger, incoming, recorded

_LONGEST_WAIT_SECONDS = 5.0

log = structlog.get_logger()


async def take_for_sure(follower: Follower, batch: Sequence[Any], group: str) -> None:
    """Returns when the effect of all of `batch`, as the client library has its records, is committed."""
    wait = 0.1
    while True:
        try:
            for ledger, events in by_ledger(_readable(batch)).items():
                await deliver_for_sure(follower, ledger, events)
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the batch must not be passed
            # Raising would let the consumer go past this batch. Its lag shows that it stands still.
            log.error("batch not taken, will try again", group=group, error=describe(error), seconds=wait)
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT_SECONDS)


async def deliver_for_sure(follower: Follower, ledger: LedgerId, events: Sequence[Recorded]) -> None:
    """Deliver `events`; what is missing before them comes from the ledger's owner."""
    while True:
        try:
            return await follower.deliver(ledger, events)
        except Gap as gap:
            log.warning("gap, reading from the owner", reader=follower.reader.name, gap=str(gap))
            if await follower.catch_up(ledger) < gap.arrived - 1:
                # The ledger is the truth: after a restore the topic may still hold what the ledger lost.
                log.error("the owner has no such event, left out", reader=follower.reader.name, gap=str(gap))
                return None
        except PositionMoved:
            log.info("another instance moved the reader", reader=follower.reader.name, ledger=str(ledger))


def _readable(batch: Iterable[Any]) -> Iterable[Recorded]:
    for record in batch:
        try:
            yield recorded(incoming(record))
        except UnreadableRecord as error:
            # Nothing is lost: the ledger has the event, and the reader asks for the position it misses.
            log.error("record not readable, left to the ledger", error=str(error))
