"""The rows a batch touches come from the tables case by case, by whatever plan was made while the tables were short."""

from datetime import date

import pytest

from services.reporting.storing import load
from tests.parts.looked_at import TIMES_BEFORE_A_PLAN_IS_KEPT, looked_at
from tests.reporting.made import GEMEENTE, CaseStory, Casework

DAY = date(2023, 3, 1)


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
        assert await looked_at(tx, "facts_1.%", lambda: load(tx, 1, GEMEENTE, asked, asked)) == 4
        rows = await load(tx, 1, GEMEENTE, asked, asked)
    assert ({case for case, _ in rows.segments}, {case for case, _ in rows.referrals}) == (set(asked), set(asked))
