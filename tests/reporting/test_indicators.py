"""The declarations of the indicators, and the lock on what was published."""

import json

import pytest

from schemas.programme import Programme
from services.reporting.indicators import CATALOGUE, DIMENSIONS, Measure, find_indicator
from services.reporting.indicators.publishing import LOCK, breaches
from services.reporting.periods import Period, months_of
from services.reporting.questions import QuestionError, get_indicator, get_period, read_cut
from tests.reporting.made import PROGRAMME

PUBLISHED = json.loads(LOCK.read_text(encoding="utf-8"))


def test_what_was_published_has_not_changed() -> None:
    assert breaches(CATALOGUE, PUBLISHED) == []


def test_a_changed_a_removed_and_an_unpublished_indicator_are_each_named() -> None:
    changed = CATALOGUE[0].model_copy(update={"explanation": "Iets anders."})
    fresh = CATALOGUE[1].model_copy(update={"version": 2})
    found = breaches([changed, fresh, *CATALOGUE[2:]], PUBLISHED)
    assert [sentence.split()[0] for sentence in found] == ["active/1", "new/1", "new/2"]
    assert "has changed" in found[0]
    assert "is gone" in found[1]
    assert "is not published" in found[2]


def test_ids_are_unique_and_the_newest_version_answers() -> None:
    names = [(indicator.id, indicator.version) for indicator in CATALOGUE]
    assert len(set(names)) == len(names)
    assert all(find_indicator(indicator.id) is not None for indicator in CATALOGUE)


def test_every_share_names_its_denominator_and_every_part_a_dimension() -> None:
    for indicator in CATALOGUE:
        if indicator.parts is not None:
            assert indicator.denominator is not None
            assert indicator.parts in indicator.dimensions


def test_every_measure_is_used_by_some_indicator() -> None:
    assert {indicator.numerator.measure for indicator in CATALOGUE} == set(Measure)


def test_every_dimension_has_titles_in_the_programme(programme: Programme) -> None:
    assert all(dimension.values(programme) for dimension in DIMENSIONS.values())


@pytest.mark.parametrize("name", ["2023", "2023-11", "2023-12-31", "2024-02-29"])
def test_a_period_has_one_name(name: str) -> None:
    assert get_period(name).name == name


@pytest.mark.parametrize("name", ["", "23", "2023-13", "2023-02-30", "2023-11-", "0000", "november", "2023/11"])
def test_what_is_no_period_is_refused_with_a_sentence(name: str) -> None:
    with pytest.raises(QuestionError, match="No such period"):
        get_period(name)


def test_months_make_up_the_year() -> None:
    year, months = Period.of_year(2024), months_of(2024)
    assert (months[0].first, months[1].last.day, months[-1].last) == (year.first, 29, year.last)


@pytest.mark.parametrize("given", [{"area": "wijk-z"}, {"wijk": "wijk-a"}, {"reason": "as-planned"}])
def test_a_cut_that_does_not_fit_is_refused(programme: Programme, given: dict[str, str]) -> None:
    with pytest.raises(QuestionError):
        read_cut(programme, get_indicator("new"), given, "parameter")


@pytest.fixture
def programme() -> Programme:
    assert PROGRAMME is not None
    return PROGRAMME
