"""A follower without a database, at any position the test puts it."""

from types import SimpleNamespace
from typing import cast

from eventlog.ledger import Append, Ledger
from eventlog.memory import MemoryLedger
from eventlog.positions import Positions
from eventlog.reader import Follower, LedgerSource, Reader
from tests.eventlog.making import GEMEENTE, event
from tests.operations.conftest import Clock


async def follower_at(position: dict[str, int], clock: Clock, events: int) -> Follower:
    """Behind a ledger of `events`; `position` stays the test's to change."""
    ledger = MemoryLedger("intake", clock.now)
    await _write(ledger, *(f"s-{number}" for number in range(events)))

    async def reached(reader: str) -> dict[str, int]:
        return position

    reader = cast(Reader, SimpleNamespace(name="casework", source="intake"))
    return Follower(reader, cast(Positions, SimpleNamespace(reached=reached)), LedgerSource(ledger))


async def write_more(follower: Follower) -> None:
    """An event more, now."""
    source = follower.source
    assert isinstance(source, LedgerSource)
    await _write(source._ledger, "more")


async def _write(ledger: Ledger, *streams: str) -> None:
    async with ledger.begin() as tx:
        await ledger.append(tx, GEMEENTE, [Append(stream, 0, (event(),)) for stream in streams])
