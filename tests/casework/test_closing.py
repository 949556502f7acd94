"""How a case closes: support ends, or the registration turns out to be void."""

from typing import Any

import pytest

from schemas.submission import RefusalRule
from tests.casework.stories import (
    Refused,
    closed,
    end,
    opened,
    reopened,
    story,
    void,
    voided,
)


def test_the_end_of_support_closes_the_last_segment() -> None:
    story(
        given=[opened("2023-01-05"), closed("2023-03-01"), reopened("2023-04-01")],
        when=end("2023-06-01", reason="own-initiative", outcome="goals-not-met"),
        then=[closed("2023-06-01", segment=2, reason="own-initiative", outcome="goals-not-met")],
    )


def test_destinations_are_recorded_once_and_in_one_order() -> None:
    story(
        given=[opened("2023-01-05")],
        when=end("2023-03-01", referred_to=("youth-work", "consulent", "youth-work")),
        then=[closed("2023-03-01", referred_to=("consulent", "youth-work"))],
    )


def test_a_case_closes_once() -> None:
    story(
        given=[opened("2023-01-05"), closed("2023-03-01")],
        when=end("2023-03-02"),
        then=Refused("case-closed", "closed since 2023-03-01, reason as-planned, outcome goals-met"),
    )


def test_a_closing_sent_again_does_not_close_what_was_resumed_that_day() -> None:
    story(
        given=[opened("2023-01-05"), closed("2023-03-01"), reopened("2023-03-01")],
        when=end("2023-03-01"),
        then=[],
    )


def test_a_case_cannot_close_before_it_opened() -> None:
    story(
        given=[opened("2023-01-05")],
        when=end("2023-01-04"),
        then=Refused("closing-before-opening", "open since 2023-01-05"),
    )


def test_a_case_may_close_on_the_day_it_opened() -> None:
    story(
        given=[opened("2023-01-05")],
        when=end("2023-01-05"),
        then=[closed("2023-01-05")],
    )


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"reason": "scaled-up"}, "closing-reason-unknown"),
        ({"outcome": "fine"}, "outcome-unknown"),
        ({"referred_to": ("consulent", "nowhere")}, "destination-unknown"),
    ],
)
def test_a_closing_follows_the_programme(fields: dict[str, Any], rule: RefusalRule) -> None:
    story(
        given=[opened("2023-01-05")],
        when=end("2023-03-01", **fields),
        then=Refused(rule),
    )


def test_support_may_end_after_the_programme_did() -> None:
    story(
        given=[opened("2023-01-05")],
        when=end("2024-02-01"),
        then=[closed("2024-02-01")],
    )


def test_a_registration_is_voided_with_its_last_segment() -> None:
    story(
        given=[opened("2023-01-05"), closed("2023-03-01"), reopened("2023-04-01")],
        when=void("2023-05-01"),
        then=[voided("2023-05-01", segment=2)],
    )
