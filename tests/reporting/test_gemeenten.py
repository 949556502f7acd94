"""Each gemeente's ledger is built and its audit trail put right and shown by itself, whatever another has or holds."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from services.reporting.generations import reached
from tests.reporting.made import GEMEENTE, Casework
from tests.reporting.rebuilds import OTHER, hold, rebuilt, stories
from tests.reporting.test_audit_trail import shown


@pytest.fixture
async def two_gemeenten(casework: Casework) -> Casework:
    """Of which the other has twice as many events."""
    for gemeente, cases in ((GEMEENTE, 2), (OTHER, 4)):
        await casework.writes(stories(cases, gemeente), gemeente)
        await casework.read_by_reporting(gemeente=gemeente)
    return casework


async def test_a_generation_stands_in_each_ledger_where_that_was_built_to(two_gemeenten: Casework) -> None:
    await rebuilt(two_gemeenten)
    async with two_gemeenten.engine.connect() as connection:
        assert await reached(connection, 2) == {f"casework/{GEMEENTE}": 10, f"casework/{OTHER}": 20}


async def test_what_is_behind_a_segment_is_shown_as_far_as_its_own_ledger_was_read(two_gemeenten: Casework) -> None:
    async with two_gemeenten.engine.begin() as tx:
        put_back = "UPDATE reporting.readers SET position = 3 WHERE ledger = :ledger"
        await tx.execute(text(put_back), {"ledger": f"casework/{OTHER}"})
    here, there = [stories(1, gemeente)[0].case for gemeente in (GEMEENTE, OTHER)]
    assert await shown(two_gemeenten, here) == [1, 2, 3, 4, 5]
    assert await shown(two_gemeenten, there) == [1, 2, 3]


@pytest.mark.parametrize(
    ("held", "is_told"),
    [
        (("facts_1", GEMEENTE), False),
        (("facts_1", OTHER), True),
        (("facts_2", OTHER), True),
        (("facts_9", GEMEENTE), True),
    ],
)
async def test_what_is_missing_is_added_though_another_generation_or_gemeente_holds_its_position(
    two_gemeenten: Casework, database_url: str, held: tuple[str, str], is_told: bool
) -> None:
    """And of the other gemeente's trail nothing is taken out. What the live facts hold lacks for that reason."""
    before = await _trail(two_gemeenten)
    owner = create_async_engine(database_url)
    async with owner.begin() as tx:
        missing = text("DELETE FROM reporting.case_events WHERE position = 2 AND gemeente = :gemeente")
        await tx.execute(missing, {"gemeente": GEMEENTE})
        await hold(tx, *held, 2)
    await owner.dispose()
    told = (await rebuilt(two_gemeenten)).differences
    assert told == (f"casework/{GEMEENTE}: 1 were missing from the audit trail, first 2",) * is_told
    assert await _trail(two_gemeenten) == before


async def _trail(casework: Casework) -> Sequence[Any]:
    async with casework.engine.connect() as connection:
        return (await connection.execute(text("SELECT * FROM reporting.case_events ORDER BY gemeente, position"))).all()
