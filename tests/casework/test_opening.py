"""How a case opens, and opens again when support is resumed."""

from typing import Any

import pytest

from schemas.submission import RefusalRule
from tests.casework.stories import (
    TAILORED,
    Refused,
    closed,
    enquire,
    opened,
    ref,
    reopened,
    resume,
    story,
)


def test_an_enquiry_opens_a_case_of_the_first_case_type() -> None:
    story(
        given=[],
        when=enquire("2023-01-05", channel="gp", youth=ref("youth")),
        then=[opened("2023-01-05", channel="gp", youth=ref("youth"), case_type="regular")],
    )


def test_a_case_opens_once() -> None:
    story(
        given=[opened("2023-01-05")],
        when=enquire("2023-02-01"),
        then=Refused("case-exists", "open since 2023-01-05"),
    )


def test_an_enquiry_after_a_closing_is_told_to_resume() -> None:
    story(
        given=[opened("2023-01-05"), closed("2023-03-01")],
        when=enquire("2023-04-01"),
        then=Refused("case-exists", "closed since 2023-03-01; to change what was registered"),
    )


@pytest.mark.parametrize(
    ("fields", "rule", "saying"),
    [
        ({"age_years": 23}, "age-outside-programme", "from -1 and below 23; this one lies outside"),
        (
            {"area": "wijk-z"},
            "area-unknown",
            "This is not among the areas of the programme; choose from: wijk-a, wijk-b",
        ),
        ({"channel": "church"}, "channel-unknown", "This is not among the channels"),
        ({"help_question": "gardening"}, "help-question-unknown", "This is not among the help questions"),
    ],
)
def test_opening_and_resuming_follow_the_programme(fields: dict[str, Any], rule: RefusalRule, saying: str) -> None:
    story(
        given=[],
        when=enquire("2023-01-05", **fields),
        then=Refused(rule, saying),
    )
    story(
        given=[opened("2023-01-05"), closed("2023-03-01")],
        when=resume("2023-04-01", **fields),
        then=Refused(rule, saying),
    )


@pytest.mark.parametrize("day", ["2016-12-31", "2024-01-01"])
def test_no_case_opens_outside_the_programmes_period(day: str) -> None:
    story(
        given=[],
        when=enquire(day),
        then=Refused("outside-programme-period", "from 2017-01-01 until 2023-12-31"),
    )


def test_no_case_is_resumed_after_the_programmes_period() -> None:
    story(
        given=[opened("2023-01-05"), closed("2023-03-01")],
        when=resume("2024-01-01"),
        then=Refused("outside-programme-period"),
    )


@pytest.mark.parametrize("day", ["2017-01-01", "2023-12-31"])
def test_the_first_and_the_last_day_of_the_period_belong_to_it(day: str) -> None:
    story(
        given=[],
        when=enquire(day),
        then=[opened(day)],
    )


@pytest.mark.parametrize("age_years", [-1, 22])
def test_an_unborn_child_and_a_youth_of_22_belong_to_the_programme(age_years: int) -> None:
    story(
        given=[],
        when=enquire("2023-01-05", age_years=age_years),
        then=[opened("2023-01-05", age_years=age_years)],
    )


def test_tailored_support_opens_on_a_decision_alone() -> None:
    story(
        given=[],
        when=enquire("2023-01-05"),
        then=Refused("decision-needed", "needs a decision (beschikking)"),
        programme=TAILORED,
    )
    story(
        given=[],
        when=enquire("2023-01-05", decision=ref("decision")),
        then=[opened("2023-01-05", decision=ref("decision"))],
        programme=TAILORED,
    )


def test_a_closed_case_is_resumed_as_a_new_segment() -> None:
    story(
        given=[opened("2023-01-05"), closed("2023-03-01")],
        when=resume("2023-04-01", channel="direct"),
        then=[reopened("2023-04-01", segment=2, channel="direct")],
    )


def test_support_can_be_resumed_on_the_day_of_the_closing() -> None:
    story(
        given=[opened("2023-01-05"), closed("2023-03-01")],
        when=resume("2023-03-01"),
        then=[reopened("2023-03-01")],
    )


def test_support_cannot_be_resumed_before_the_closing() -> None:
    story(
        given=[opened("2023-01-05"), closed("2023-03-01")],
        when=resume("2023-02-28"),
        then=Refused("before-last-closing", "closed on 2023-03-01"),
    )


def test_an_open_case_cannot_be_resumed() -> None:
    story(
        given=[opened("2023-01-05")],
        when=resume("2023-04-01"),
        then=Refused("case-open", "open since 2023-01-05"),
    )


def test_an_enquiry_is_no_resumption() -> None:
    story(
        given=[opened("2023-01-05")],
        when=resume("2023-01-05"),
        then=Refused("case-open"),
    )


def test_a_segment_is_resumed_once_also_when_it_was_closed_since() -> None:
    story(
        given=[opened("2023-01-05"), closed("2023-03-01"), reopened("2023-04-01"), closed("2023-05-01", segment=2)],
        when=resume("2023-04-01"),
        then=[],
    )
