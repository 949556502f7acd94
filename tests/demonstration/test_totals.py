"""The history adds up to every number that the evaluation of 2023 prints, for other seeds as well."""

from collections import Counter
from datetime import date
from typing import Any

import pytest

from services.demonstration.history import history
from services.demonstration.targets import CARRIED_INTO_2021, YEARS, Year
from tests.demonstration.counting import Counted, cases, closed_in, count, new_in, number, percentage

ACTIVE = {2021: 302, 2022: 300, 2023: 285}
CLOSED = {2022: 193, 2023: 173}
OPEN = {2022: 107, 2023: 112}


def test_active_closed_open_and_new_are_as_printed(segments: list[Counted]) -> None:
    assert {year: _active(segments, year) for year in ACTIVE} == ACTIVE
    assert {year: len(closed_in(segments, year)) for year in CLOSED} == CLOSED
    assert {year: _open_at_end_of(segments, year) for year in OPEN} == OPEN
    assert len(new_in(segments, 2023)) == 178


@pytest.mark.parametrize("chosen", YEARS, ids=lambda chosen: str(chosen.year))
def test_what_we_chose_comes_out_too(segments: list[Counted], chosen: Year) -> None:
    closed = closed_in(segments, chosen.year)

    assert _open_at_end_of(segments, 2020) == CARRIED_INTO_2021
    assert len(new_in(segments, chosen.year)) == chosen.new
    assert len(closed) == chosen.closed
    assert number(closed, lambda one: one.within_six_months) == chosen.closed_within_six_months
    assert _stopped(segments, chosen.year) == chosen.closed_on_own_initiative
    assert Counter(one.said["channel"] for one in new_in(segments, chosen.year)) == chosen.channels


@pytest.mark.parametrize("year", [2021, 2022, 2023])
def test_open_and_new_make_active_in_every_year(segments: list[Counted], year: int) -> None:
    open_before = _open_at_end_of(segments, year - 1)

    assert _active(segments, year) == open_before + len(new_in(segments, year))


@pytest.mark.parametrize("year", [2021, 2022, 2023])
def test_most_families_come_in_november_and_fewest_in_the_summer_holidays(segments: list[Counted], year: int) -> None:
    by_month = Counter(one.opened_on.month for one in new_in(segments, year))

    assert by_month.most_common(1)[0][0] == 11
    assert {month for month, _ in by_month.most_common()[-2:]} == {7, 8}


@pytest.mark.parametrize("year", [2022, 2023])
def test_just_over_half_of_the_closed_cases_lasted_six_months_at_most(segments: list[Counted], year: int) -> None:
    closed = closed_in(segments, year)

    assert 52 <= percentage(number(closed, lambda one: one.within_six_months), len(closed)) <= 55


def test_shares_of_new_cases_are_as_printed(segments: list[Counted]) -> None:
    assert _share_of_new(segments, 2022, "direct") == 36
    assert _share_of_new(segments, 2023, "direct") == 43
    assert _share_of_new(segments, 2022, "school") == 26
    assert _share_of_new(segments, 2023, "school") < 26
    assert _share_aged(segments, 2022, 12, 23) == 7
    assert _share_aged(segments, 2023, 12, 23) == 16
    assert _share_aged(segments, 2022, -1, 4) - _share_aged(segments, 2023, -1, 4) == 3


def test_own_initiative_is_twelve_percent_and_then_slightly_more(segments: list[Counted]) -> None:
    stopped = {year: _stopped(segments, year) for year in (2022, 2023)}
    shares = {year: percentage(stopped[year], len(closed_in(segments, year))) for year in stopped}

    assert shares[2022] == 12
    assert 12 < shares[2023] <= 14
    assert stopped[2023] > stopped[2022]


def test_complex_cases_and_pilot_flames_are_as_printed(segments: list[Counted]) -> None:
    def supported_and_closed(case_type: str) -> tuple[int, int]:
        of_type = [one for one in segments if one.case_type == case_type and one.active(2023)]
        return len(of_type), len(closed_in(of_type, 2023))

    assert supported_and_closed("complex-intensive") == (4, 2)
    assert supported_and_closed("pilot-flame") == (6, 4)


def test_a_pilot_flame_lasts_a_year_with_two_hours_a_month(segments: list[Counted]) -> None:
    for one in (one for one in segments if one.case_type == "pilot-flame"):
        assert one.assessed_on is not None
        assert ((one.closed_on or date(2023, 12, 31)) - one.assessed_on).days >= 365
        by_month = Counter[tuple[int, int]]()
        for day, minutes in one.contacts:
            by_month[day.year, day.month] += minutes
        assert max(by_month.values()) <= 120


def test_a_complex_case_takes_more_than_two_hours_a_week(segments: list[Counted]) -> None:
    for one in (one for one in segments if one.case_type == "complex-intensive"):
        weeks = (one.contacts[-1][0] - one.contacts[0][0]).days / 7
        assert sum(minutes for _, minutes in one.contacts) > 120 * weeks


def test_what_was_known_changes_by_the_correction_over_the_turn_of_the_year(events: list[dict[str, Any]]) -> None:
    first_days_of_2023 = count(events, until="2023-01-06")

    assert len(closed_in(first_days_of_2023, 2022)) == 192
    assert len(closed_in(count(events), 2022)) == 193


@pytest.mark.parametrize("seed", [1, 984])
def test_another_seed_has_the_same_totals(seed: int) -> None:
    segments = count(history(seed))

    assert {year: _active(segments, year) for year in ACTIVE} == ACTIVE
    assert {year: len(closed_in(segments, year)) for year in CLOSED} == CLOSED


def _active(segments: list[Counted], year: int) -> int:
    return cases(segments, lambda one: one.active(year))


def _open_at_end_of(segments: list[Counted], year: int) -> int:
    return cases(segments, lambda one: one.open_on(date(year, 12, 31)))


def _share_of_new(segments: list[Counted], year: int, channel: str) -> int:
    new = new_in(segments, year)
    return percentage(number(new, lambda one: one.said["channel"] == channel), len(new))


def _share_aged(segments: list[Counted], year: int, from_years: int, below_years: int) -> int:
    new = new_in(segments, year)
    return percentage(number(new, lambda one: from_years <= one.said["ageYears"] < below_years), len(new))


def _stopped(segments: list[Counted], year: int) -> int:
    return number(closed_in(segments, year), lambda one: one.said["reason"] == "own-initiative")
