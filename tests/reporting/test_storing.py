"""The rows a batch touches come from the tables case by case, by whatever plan was made while the tables were short."""

from datetime import date

import pytest
from sqlalchemy import text

from services.reporting.storing import load
from tests.reporting.made import GEMEENTE, CaseStory, Casework

DAY = date(2023, 3, 1)
TIMES_BEFORE_A_PLAN_IS_KEPT = 8
_LOOKED_AT = text(
    "SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"
    " WHERE schemaname = 'facts_1'"
)


def story(number: int) -> CaseStory:
    return CaseStory(f"case {number}").opened(DAY).referred(DAY).answered(DAY)


@pytest.mark.parametrize("times", [1, TIMES_BEFORE_A_PLAN_IS_KEPT])
async def test_only_the_rows_of_its_cases_are_looked_at(casework: Casework, times: int) -> None:
    await casework.writes(story(number) for number in range(times))
    await casework.read_by_reporting(batch=3)
    await casework.writes(story(number) for number in range(times, 600))
    await casework.read_by_reporting()
    asked = [story(number).case for number in (1, 500)]
    async with casework.engine.begin() as tx:
        before = (await tx.execute(_LOOKED_AT)).scalar_one()
        rows = await load(tx, 1, GEMEENTE, asked, asked)
        looked_at = (await tx.execute(_LOOKED_AT)).scalar_one() - before
    assert ({case for case, _ in rows.segments}, {case for case, _ in rows.referrals}) == (set(asked), set(asked))
    assert looked_at == 4
