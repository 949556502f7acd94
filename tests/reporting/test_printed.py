"""What the evaluation prints is taken literally, and compared as it was printed."""

from collections.abc import Mapping

import pytest

from services.reporting.indicators import DIMENSIONS
from services.reporting.periods import Period
from services.reporting.printed import Printed, Verdict, load_evaluations
from services.reporting.questions import Question, get_indicator
from services.reporting.snapshot import Figure, LedgerSize, percent
from tests.reporting.made import PROGRAMME

EVALUATION = load_evaluations()["gezinscoaches-venray"]


def printed(year: int, indicator: str, cut: Mapping[str, str] | None = None) -> Printed:
    found = EVALUATION.find(year, indicator, cut or {})
    assert found is not None
    return found


def figure(indicator: str, numerator: int, denominator: int | None = None) -> Figure:
    assert PROGRAMME is not None
    question = Question(PROGRAMME, get_indicator(indicator), Period.of_year(2023))
    return Figure(question, numerator, denominator, LedgerSize("casework/GM0984", 1, 0), synthetic=True)


def test_each_printed_value_names_an_indicator_a_value_and_a_line() -> None:
    assert PROGRAMME is not None
    for one in EVALUATION.figures:
        indicator = get_indicator(one.indicator)
        for name, value in one.cut.items():
            assert name in indicator.dimensions
            assert value in DIMENSIONS[name].values(PROGRAMME)
        assert one.lines


@pytest.mark.parametrize(
    ("year", "indicator", "count"),
    [
        (2021, "active", 302),
        (2022, "active", 300),
        (2022, "closed", 193),
        (2022, "open-at-end", 107),
        (2023, "active", 285),
        (2023, "closed", 173),
        (2023, "open-at-end", 112),
    ],
)
def test_the_printed_counts_are_those_of_the_evaluation(year: int, indicator: str, count: int) -> None:
    assert printed(year, indicator).count == count
    assert printed(year, indicator).verdict(figure(indicator, count)) is Verdict.AGREES
    assert printed(year, indicator).verdict(figure(indicator, count + 1)) is Verdict.DIFFERS


@pytest.mark.parametrize(("year", "indicator"), [(2021, "closed"), (2021, "open-at-end"), (2021, "new"), (2022, "new")])
def test_what_is_not_printed_is_absent(year: int, indicator: str) -> None:
    assert EVALUATION.find(year, indicator, {}) is None


def test_the_share_of_schools_in_2023_was_lost() -> None:
    assert EVALUATION.find(2023, "new-by-channel", {"channel": "school"}) is None


def test_a_percentage_is_compared_as_it_was_rounded() -> None:
    direct = printed(2023, "new-by-channel", {"channel": "direct"})
    assert direct.verdict(figure("new-by-channel", 77, 178)) is Verdict.AGREES
    assert direct.verdict(figure("new-by-channel", 75, 178)) is Verdict.DIFFERS


def test_more_than_half_is_not_half() -> None:
    within = printed(2023, "closed-within-six-months")
    assert within.verdict(figure("closed-within-six-months", 86, 172)) is Verdict.DIFFERS
    assert within.verdict(figure("closed-within-six-months", 87, 172)) is Verdict.AGREES


def test_a_change_without_a_unit_cannot_be_compared() -> None:
    assert printed(2023, "new-by-age", {"age_band": "0-4"}).verdict(figure("new-by-age", 52, 178)) is (
        Verdict.NOT_COMPARABLE
    )


def test_percentages_are_rounded_half_up_and_nothing_is_divided_by_nothing() -> None:
    assert [str(percent(1, 8)), str(percent(1, 2000)), percent(0, 0)] == ["12.5", "0.1", None]
