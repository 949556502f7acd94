"""What must hold in every history: stock and flow add up, for each period and each slice, and lists equal figures."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.reporting.figures import Figures
from services.reporting.folding import fold_recorded, read_fact
from services.reporting.generations import ensure_generation, on_generation
from services.reporting.indicators import CATALOGUE
from services.reporting.periods import Period
from services.reporting.questions import Question, get_indicator
from services.reporting.reader import age_bands
from services.reporting.snapshot import Snapshot
from services.reporting.storing import save
from services.reporting.working_set import WorkingSet
from tests.reporting.histories import FIRST_DAY, histories
from tests.reporting.made import GEMEENTE, PROGRAMME, PROGRAMMES, CaseStory, recorded

SLICES: tuple[dict[str, str], ...] = ({}, {"area": "wijk-a"}, {"channel": "school", "age_band": "4-12"})
IDENTITY = ("open-at-start", "new", "closed", "open-at-end")
SOME_PERIODS = ["2021", "2022", "2023", "2022-02", "2022-11", "2022-06-15"]

connected = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
some_day = st.integers(0, 900).map(lambda days: (FIRST_DAY + timedelta(days=days)).isoformat())


@pytest.fixture
async def facts(engine: AsyncEngine) -> AsyncEngine:
    async with engine.begin() as tx:
        await ensure_generation(tx, PROGRAMMES)
    return engine


async def only(engine: AsyncEngine, history: list[CaseStory]) -> None:
    """The facts hold `history` and nothing else."""
    rows, position = WorkingSet(GEMEENTE), 1
    for story in history:
        for event in recorded(story, position):
            if (fact := read_fact(event)) is not None:
                fold_recorded(rows, event, fact, age_bands(PROGRAMMES))
            position += 1
    async with engine.begin() as tx:
        await tx.execute(text("TRUNCATE facts_1.segments, facts_1.consulent_referrals"))
        await tx.execute(text("DELETE FROM reporting.case_events"))
        await save(await on_generation(tx, 1), 1, rows)


async def counted(snapshot: Snapshot, indicator: str, period: str, cut: dict[str, str]) -> int:
    assert PROGRAMME is not None
    question = Question(PROGRAMME, get_indicator(indicator), Period.parse(period), cut)
    return await snapshot.count(question, "numerator")


@connected
@given(history=histories, day=some_day)
async def test_open_plus_new_minus_closed_is_open(
    facts: AsyncEngine, figures: Figures, history: list[CaseStory], day: str
) -> None:
    await only(facts, history)
    async with figures.snapshot() as snapshot:
        for period in (*SOME_PERIODS, day):
            for cut in SLICES:
                start, new, closed, end = [
                    await counted(snapshot, name, period, cut)
                    for name in ("open-at-start", "new", "closed", "open-at-end")
                ]
                assert start + new - closed == end, (period, cut)


@connected
@given(history=histories)
async def test_every_list_is_as_long_as_its_figure_and_parts_add_up_to_the_whole(
    facts: AsyncEngine, figures: Figures, history: list[CaseStory]
) -> None:
    assert PROGRAMME is not None
    await only(facts, history)
    async with figures.snapshot() as snapshot:
        for indicator in CATALOGUE:
            question = Question(PROGRAMME, indicator, Period.parse("2022"))
            figure, behind = await snapshot.figure(question), await snapshot.behind(question, "numerator")
            assert len(behind.rows) == behind.total == figure.numerator
            if indicator.parts is None or indicator.parts == "destination" or indicator.unit == "case":
                continue
            parts = await snapshot.by(question, indicator.parts)
            assert sum(parts.values()) == figure.denominator
            for (value,), number in parts.items():
                assert value is not None
                assert await snapshot.count(question.with_cut(**{indicator.parts: value}), "numerator") == number
