"""Recomputes a ledger from its first event: positions, versions, and the root of its tree against the head."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from eventlog.errors import BrokenLedger
from eventlog.ledger import Ledger, LedgerId, Recorded
from eventlog.merkle import Frontier, leaf_hash

_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class Verified:
    """A ledger whose `size` events are what its head says they are."""

    ledger: LedgerId
    size: int
    root: bytes


async def verify(ledger: Ledger, gemeente: str, progress: Callable[[int], None] = lambda count: None) -> Verified:
    """Read the whole ledger; raises BrokenLedger, which names the first position that is not as it was appended.

    Each chunk is read on its own, up to the head as it is at the start: a ledger that grows meanwhile verifies too.
    """
    ledger_id = LedgerId(ledger.service, gemeente)
    async with ledger.asking() as tx:
        head = await ledger.head(tx, gemeente)
    frontier = Frontier()
    versions: defaultdict[str, int] = defaultdict(int)
    while frontier.size < head.size:
        async with ledger.asking() as tx:
            events = await ledger.read(tx, gemeente, frontier.size, min(_AT_ONCE, head.size - frontier.size))
        if not events:
            raise BrokenLedger(
                f"{ledger_id}: the head counts {head.size} events, the last one found is {frontier.size}"
            )
        for position, event in enumerate(events, start=frontier.size + 1):
            _check_order(event, position, versions)
        frontier = frontier.extend(leaf_hash(event.leaf()) for event in events)
        progress(frontier.size)
    if frontier.root != head.root:
        raise BrokenLedger(
            f"{ledger_id}: the {head.size} events stored have root {frontier.root.hex()}, the head says "
            f"{head.root.hex()}: an event or the head was changed after it was appended"
        )
    return Verified(ledger_id, head.size, head.root)


def _check_order(event: Recorded, position: int, versions: defaultdict[str, int]) -> None:
    if event.position != position:
        raise BrokenLedger(f"{event.ledger}/{position} is missing: the next event found is {event}")
    versions[event.stream] += 1
    if event.version != versions[event.stream]:
        raise BrokenLedger(f"{event}: version {event.version} of its stream, expected {versions[event.stream]}")
