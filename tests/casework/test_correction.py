"""How a registration is put right without turning its history around."""

from typing import Any

import pytest

from schemas.submission import RefusalRule
from tests.casework.stories import (
    Happened,
    Refused,
    closed,
    contact_logged,
    correct,
    corrected,
    opened,
    reopened,
    resume,
    story,
)

OPEN = [opened("2023-01-05")]
CLOSED = [opened("2023-01-05"), closed("2023-03-01", referred_to=("consulent",))]
TWO_SEGMENTS = [*CLOSED, reopened("2023-04-01"), closed("2023-06-01", segment=2)]


def test_only_what_differs_becomes_the_fact() -> None:
    story(
        given=CLOSED,
        when=correct("2023-07-01", area="wijk-b", channel="school", closed_on="2023-03-01", reason="own-initiative"),
        then=[corrected("2023-07-01", area="wijk-b", reason="own-initiative")],
    )


def test_every_field_of_a_segment_can_be_corrected() -> None:
    truth: dict[str, Any] = {
        "opened_on": "2023-04-03",
        "closed_on": "2023-06-02",
        "age_years": 9,
        "area": "wijk-b",
        "channel": "direct",
        "help_question": "other",
        "reason": "own-initiative",
        "outcome": "goals-not-met",
        "referred_to": ("youth-work",),
    }
    fact = corrected("2023-07-01", segment=2, **truth)
    story(
        given=TWO_SEGMENTS,
        when=correct("2023-07-01", segment=2, **truth),
        then=[fact],
    )
    story(
        given=[*TWO_SEGMENTS, fact],
        when=correct("2023-07-02", segment=2, **truth),
        then=[],
    )


def test_a_list_of_destinations_can_be_corrected_to_none() -> None:
    story(
        given=CLOSED,
        when=correct("2023-07-01", referred_to=()),
        then=[corrected("2023-07-01", referred_to=())],
    )


def test_what_is_corrected_is_what_later_statements_meet() -> None:
    story(
        given=[*CLOSED, corrected("2023-07-01", closed_on="2023-03-20")],
        when=resume("2023-03-15"),
        then=Refused("before-last-closing", "closed on 2023-03-20"),
    )


@pytest.mark.parametrize(
    ("given", "fields", "rule", "saying"),
    [
        (OPEN, {"segment": 2, "area": "wijk-b"}, "segment-unknown", "no segment 2"),
        (OPEN, {"closed_on": "2023-02-01"}, "not-closed", "open since 2023-01-05"),
        (OPEN, {"reason": "own-initiative"}, "not-closed", "support.ended"),
        (OPEN, {"referred_to": ()}, "not-closed", ""),
        (OPEN, {"opened_on": "2023-07-02"}, "later-than-statement", "2023-07-02 had yet to come"),
        (CLOSED, {"closed_on": "2023-07-02"}, "later-than-statement", ""),
        (OPEN, {"opened_on": "2016-12-31"}, "outside-programme-period", "2016-12-31"),
        (OPEN, {"age_years": 23}, "age-outside-programme", ""),
        (OPEN, {"area": "wijk-z"}, "area-unknown", ""),
        (OPEN, {"channel": "church"}, "channel-unknown", ""),
        (OPEN, {"help_question": "gardening"}, "help-question-unknown", ""),
        (CLOSED, {"reason": "scaled-up"}, "closing-reason-unknown", ""),
        (CLOSED, {"outcome": "fine"}, "outcome-unknown", ""),
        (CLOSED, {"referred_to": ("nowhere",)}, "destination-unknown", ""),
        (CLOSED, {"closed_on": "2023-01-04"}, "closing-before-opening", "2023-01-04 lies before"),
        (CLOSED, {"opened_on": "2023-03-02"}, "closing-before-opening", "the opening on 2023-03-02"),
        (TWO_SEGMENTS, {"closed_on": "2023-04-02"}, "segments-overlap", "Segment 2 opened on 2023-04-01"),
        (TWO_SEGMENTS, {"segment": 2, "opened_on": "2023-02-28"}, "segments-overlap", "Segment 1 closed on 2023-03-01"),
        ([*OPEN, contact_logged("2023-02-01")], {"opened_on": "2023-02-02"}, "before-opening", "on 2023-02-01"),
        (
            [*OPEN, contact_logged("2023-02-01"), closed("2023-03-01")],
            {"closed_on": "2023-01-31"},
            "after-closing",
            "on 2023-02-01",
        ),
    ],
)
def test_a_correction_keeps_the_history_possible(
    given: list[Happened], fields: dict[str, Any], rule: RefusalRule, saying: str
) -> None:
    story(
        given=given,
        when=correct("2023-07-01", **fields),
        then=Refused(rule, saying),
    )


@pytest.mark.parametrize("fields", [{"closed_on": "2023-04-01"}, {"segment": 2, "opened_on": "2023-03-01"}])
def test_segments_may_touch_after_a_correction(fields: dict[str, Any]) -> None:
    story(
        given=TWO_SEGMENTS,
        when=correct("2023-07-01", **fields),
        then=[corrected("2023-07-01", **fields)],
    )
