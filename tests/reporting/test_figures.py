"""Figures over made-up histories in a real PostgreSQL."""

from datetime import date
from decimal import Decimal

from services.reporting.figures import Figures
from services.reporting.periods import Period, months_of
from services.reporting.questions import Question, get_indicator
from tests.reporting.made import PROGRAMME, CaseStory, Casework


def ask(indicator: str, period: str = "2023", **cut: str) -> Question:
    assert PROGRAMME is not None
    return Question(PROGRAMME, get_indicator(indicator), Period.parse(period), cut)


HISTORY = [
    CaseStory("carried").opened(date(2022, 11, 3)).closed(date(2023, 5, 3)),
    CaseStory("late by a day").opened(date(2022, 11, 3)).closed(date(2023, 5, 4), "own-initiative"),
    CaseStory("one day").opened(date(2023, 1, 1), channel="school").closed(date(2023, 1, 1)),
    CaseStory("runs on")
    .opened(date(2023, 11, 30), area="wijk-b", age_years=14)
    .classified(date(2023, 12, 20), "pilot-flame"),
    CaseStory("again").opened(date(2023, 2, 1)).closed(date(2023, 3, 1)).opened(date(2023, 12, 31), channel="gp"),
    CaseStory("mistake").opened(date(2023, 2, 2)).voided(date(2023, 2, 9)),
    CaseStory("sent on")
    .opened(date(2023, 6, 1))
    .referred(date(2023, 6, 5))
    .answered(date(2023, 7, 1))
    .closed(date(2023, 8, 1), referred_to=("social-work", "youth-work")),
    CaseStory("next year").opened(date(2024, 1, 1)),
]


async def value(figures: Figures, question: Question) -> Decimal | None:
    async with figures.snapshot() as snapshot:
        return (await snapshot.figure(question)).value


async def test_counts_of_a_year_follow_the_definitions(casework: Casework, figures: Figures) -> None:
    await casework.writes(HISTORY)
    await casework.read_by_reporting()
    asked = {"active": 6, "new": 5, "closed": 5, "open-at-start": 2, "open-at-end": 2, "families-new": 4, "reopened": 1}
    asked |= {"consulent-referrals": 1}
    async with figures.snapshot() as snapshot:
        found = {name: (await snapshot.figure(ask(name))).value for name in asked}
    assert found == asked


async def test_a_share_keeps_its_numerator_and_denominator(casework: Casework, figures: Figures) -> None:
    await casework.writes(HISTORY)
    await casework.read_by_reporting()
    async with figures.snapshot() as snapshot:
        channel = await snapshot.figure(ask("new-by-channel", channel="school"))
        within = await snapshot.figure(ask("closed-within-six-months"))
        nowhere = await snapshot.figure(ask("new-by-channel", "2019", channel="school"))
    assert (channel.numerator, channel.denominator, channel.value) == (1, 5, Decimal("20.0"))
    assert (within.numerator, within.denominator, within.value) == (4, 5, Decimal("80.0"))
    assert nowhere.value is None


async def test_the_list_behind_has_one_row_for_each_thing_counted(casework: Casework, figures: Figures) -> None:
    await casework.writes(HISTORY)
    await casework.read_by_reporting()
    async with figures.snapshot() as snapshot:
        for name in ("active", "new", "closed", "families-new", "consulent-referrals", "new-by-channel"):
            figure, behind = await snapshot.figure(ask(name)), await snapshot.behind(ask(name), "numerator")
            assert len(behind.rows) == behind.total == figure.numerator, name
        page = await snapshot.behind(ask("new"), "numerator", offset=1, limit=2)
    assert (len(page.rows), page.total) == (2, 5)


async def test_months_and_values_add_up_in_one_query_each(casework: Casework, figures: Figures) -> None:
    await casework.writes(HISTORY)
    await casework.read_by_reporting()
    async with figures.snapshot() as snapshot:
        assert await snapshot.by_month(ask("new"), months_of(2023)) == [1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1]
        assert await snapshot.by_month(ask("open-at-end"), months_of(2023)) == [2, 3, 2, 2, 0, 1, 1, 0, 0, 0, 1, 2]
        assert await snapshot.by(ask("closed"), "duration") == {("0-3",): 3, ("3-6",): 1, ("6-12",): 1}
        assert await snapshot.by(ask("closed"), "destination") == {
            (None,): 4,
            ("social-work",): 1,
            ("youth-work",): 1,
        }
        assert await snapshot.by(ask("new"), "help_question", "age_band") == {
            ("parenting", "4-12"): 4,
            ("parenting", "12-23"): 1,
        }
        assert await snapshot.by(ask("consulent-answers"), "answer") == {("advised",): 1}
    assert await value(figures, ask("active-by-case-type", case_type="pilot-flame")) == Decimal("16.7")
    assert await value(figures, ask("open-at-end", "2023-11-30", area="wijk-b")) == 1


async def test_a_figure_says_how_much_of_the_ledger_it_counts_and_that_it_is_synthetic(
    casework: Casework, figures: Figures
) -> None:
    await casework.writes(HISTORY[:1])
    await casework.read_by_reporting()
    async with figures.snapshot() as snapshot:
        figure = await snapshot.figure(ask("new", "2022"))
    assert (figure.ledger.name, figure.ledger.size, figure.synthetic) == ("casework/GM0984", 2, True)


async def test_what_is_counted_meanwhile_does_not_change_what_a_snapshot_shows(
    casework: Casework, figures: Figures
) -> None:
    await casework.writes(HISTORY[:1])
    await casework.read_by_reporting()
    async with figures.snapshot() as snapshot:
        before = await snapshot.figure(ask("new", "2022"))
        await casework.writes([CaseStory("meanwhile").opened(date(2022, 5, 3))])
        await casework.read_by_reporting()
        assert await snapshot.figure(ask("new", "2022")) == before
        assert len((await snapshot.behind(ask("new", "2022"), "numerator")).rows) == 1
    assert await value(figures, ask("new", "2022")) == 2
