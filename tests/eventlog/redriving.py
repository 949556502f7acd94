"""A process that redrives case b and then stands still in the middle, to be killed: `python -m … DATABASE_URL`."""

import asyncio
import sys
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from eventlog.engine import make_engine
from eventlog.ledger import LedgerId, Recorded
from eventlog.postgres import PostgresLedger
from eventlog.redrive import redrive
from tests.eventlog.picky import LEDGER, Desk, Picky


class TakesAndStops(Picky):
    async def handle(self, tx: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        await super().handle(tx, ledger, events)
        print("taken, not committed", flush=True)  # noqa: T201 - whom it tells is its parent
        await asyncio.sleep(3600)


async def main(database_url: str) -> None:
    engine = make_engine(database_url, "casework")
    desk = Desk(engine, PostgresLedger(engine, "casework"))
    await redrive(desk.follower(TakesAndStops()), LEDGER, "b")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
