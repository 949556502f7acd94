"""The local bus: woken or not, every reader gets on, and one ledger's trouble is not another's."""

import asyncio
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventlog.bus_local import Pull, Wakes
from eventlog.ledger import LedgerId, Recorded
from eventlog.postgres import PostgresLedger
from eventlog.reader import Follower, LedgerSource, Positions
from tests.eventlog.making import append


class Choosy:
    """Takes every ledger's events but those of one gemeente, for which its own store is away."""

    name, source = "choosy", "casework"

    def __init__(self) -> None:
        self.taken: list[str] = []

    async def handle(self, tx: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        if ledger.gemeente == "GM0001":
            raise ConnectionError("away")
        self.taken += [str(event) for event in events]


async def test_a_ledger_that_fails_holds_up_no_other(engine: AsyncEngine, ledger: PostgresLedger) -> None:
    for gemeente in ("GM0001", "GM0002", "GM0003"):
        async with ledger.begin() as tx:
            await ledger.append(tx, gemeente, [append("a")])
    reader = Choosy()
    pull = Pull(Follower(reader, Positions(engine, "casework"), LedgerSource(ledger)), Wakes())
    pull.start()
    async with asyncio.timeout(20):
        while len(reader.taken) < 2:
            await asyncio.sleep(0.02)
    await pull.stop()
    assert sorted(reader.taken) == ["casework/GM0002/1", "casework/GM0003/1"]
