"""Histories for a rebuild, and one run of it."""

from datetime import date

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from eventlog.ledger import Append, LedgerId
from services.reporting.rebuild import RebuildReport, rebuild
from services.reporting.spreading import Progress, Stopped
from tests.reporting.made import GEMEENTE, PROGRAMMES, CaseStory, Casework, as_appends, quietly

DAY = date(2023, 3, 1)
OTHER = "GM9001"


def stories(count: int, name: str = "") -> list[CaseStory]:
    """Five events each; the ledger holds them case by case."""
    return [
        CaseStory(f"{name}{number}").opened(DAY).contact(DAY, 10).referred(DAY).answered(DAY).closed(DAY)
        for number in range(count)
    ]


async def rebuilt(casework: Casework, checkpoint: int = 100) -> RebuildReport:
    return await rebuild(casework.engine, PROGRAMMES, quietly, checkpoint)


async def spread_over_time(casework: Casework, cases: list[CaseStory]) -> None:
    """Each case's events stand far apart, so that every checkpoint touches rows that an earlier one wrote."""
    for number in range(5):
        appends = []
        for story in cases:
            whole = as_appends(story)
            appends.append(Append(whole.stream, number, whole.events[number : number + 1]))
        async with casework.ledger.begin() as tx:
            await casework.ledger.append(tx, GEMEENTE, appends)


async def hold(tx: AsyncConnection, reader: str, gemeente: str, position: int) -> None:
    """As if `reader`, who stands there or (where it is new) at the beginning, could not take what is at `position`."""
    where = {"reader": reader, "ledger": f"casework/{gemeente}", "position": position}
    stands = "INSERT INTO reporting.readers (reader, ledger, position) VALUES (:reader, :ledger, 0)"
    await tx.execute(text(f"{stands} ON CONFLICT DO NOTHING"), where)
    columns = "reader, ledger, position, case_id, type, status, reason"
    values = ":reader, :ledger, :position, 'x', 'x', 'quarantined', 'x'"
    await tx.execute(text(f"INSERT INTO reporting.quarantine ({columns}) VALUES ({values})"), where)


async def change_history(database_url: str, gemeente: str, position: int = 2) -> None:
    owner = create_async_engine(database_url)
    async with owner.begin() as tx:
        await tx.execute(text("ALTER TABLE casework.events DISABLE TRIGGER USER"))
        changed = "UPDATE casework.events SET partner = 'another' WHERE position = :position AND gemeente = :gemeente"
        await tx.execute(text(changed), {"gemeente": gemeente, "position": position})
    await owner.dispose()


def stopping(position: int) -> Progress:
    """Stops the build that has come so far."""

    def progress(ledger: LedgerId, done: int, to_do: int) -> None:
        if done >= position:
            raise Stopped

    return progress
