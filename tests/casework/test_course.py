"""What happens in the course of support, and to which segment it belongs."""

from collections.abc import Callable

import pytest

from services.casework.case import AnyStatement
from tests.casework.stories import (
    TAILORED,
    Happened,
    Refused,
    answer,
    answered,
    assess,
    assign,
    assigned,
    classified,
    closed,
    contact_logged,
    end,
    first_contact_made,
    log_contact,
    make_first_contact,
    opened,
    refer,
    referred,
    reopened,
    story,
)

TWO_SEGMENTS = [opened("2023-01-05"), closed("2023-03-01"), reopened("2023-04-01")]

State = Callable[[str], AnyStatement]
Record = Callable[..., Happened]


@pytest.mark.parametrize(
    ("state", "record"),
    [
        (assign, assigned),
        (make_first_contact, first_contact_made),
        (log_contact, contact_logged),
        (assess, classified),
        (refer, referred),
    ],
)
class TestWhatHappensInSupport:
    def test_belongs_to_the_open_segment(self, state: State, record: Record) -> None:
        story(
            given=TWO_SEGMENTS,
            when=state("2023-04-02"),
            then=[record("2023-04-02", segment=2)],
        )

    def test_belongs_to_an_earlier_segment_when_it_is_logged_late(self, state: State, record: Record) -> None:
        story(
            given=TWO_SEGMENTS,
            when=state("2023-02-01"),
            then=[record("2023-02-01", segment=1)],
        )

    def test_may_happen_on_the_day_of_the_closing(self, state: State, record: Record) -> None:
        story(
            given=[opened("2023-01-05"), closed("2023-03-01")],
            when=state("2023-03-01"),
            then=[record("2023-03-01", segment=1)],
        )

    def test_belongs_to_the_next_segment_on_a_day_that_two_share(self, state: State, record: Record) -> None:
        story(
            given=[opened("2023-01-05"), closed("2023-03-01"), reopened("2023-03-01")],
            when=state("2023-03-01"),
            then=[record("2023-03-01", segment=2)],
        )

    def test_does_not_happen_before_the_opening(self, state: State, record: Record) -> None:
        story(
            given=[opened("2023-01-05")],
            when=state("2023-01-04"),
            then=Refused("before-opening", "opened on 2023-01-05"),
        )

    def test_does_not_happen_in_a_closed_case(self, state: State, record: Record) -> None:
        story(
            given=[opened("2023-01-05"), closed("2023-03-01")],
            when=state("2023-03-02"),
            then=Refused("case-closed", "closed since 2023-03-01"),
        )

    def test_does_not_happen_between_two_segments(self, state: State, record: Record) -> None:
        story(
            given=TWO_SEGMENTS,
            when=state("2023-03-15"),
            then=Refused("after-closing", "closed from 2023-03-01 until it was resumed on 2023-04-01"),
        )

    def test_holds_a_closing_back_that_would_leave_it_out(self, state: State, record: Record) -> None:
        story(
            given=[opened("2023-01-05"), record("2023-02-02")],
            when=end("2023-02-01"),
            then=Refused("after-closing", "registered on 2023-02-02"),
        )


def test_another_coach_takes_over() -> None:
    story(
        given=[opened("2023-01-05"), assigned("2023-01-06", "anna")],
        when=assign("2023-02-01", "bram"),
        then=[assigned("2023-02-01", "bram")],
    )


def test_a_coach_who_had_the_case_on_that_day_is_not_assigned_again() -> None:
    story(
        given=[opened("2023-01-05"), assigned("2023-01-06", "anna"), assigned("2023-02-01", "bram")],
        when=assign("2023-01-20", "anna"),
        then=[],
    )


def test_the_coach_who_comes_back_is_assigned_again() -> None:
    story(
        given=[opened("2023-01-05"), assigned("2023-01-06", "anna"), assigned("2023-02-01", "bram")],
        when=assign("2023-03-01", "anna"),
        then=[assigned("2023-03-01", "anna")],
    )


def test_an_assignment_that_arrives_late_leaves_the_later_one_in_effect() -> None:
    story(
        given=[opened("2023-01-05"), assigned("2023-02-01", "bram"), assigned("2023-01-06", "anna")],
        when=assign("2023-03-01", "bram"),
        then=[],
    )


def test_a_segment_has_one_first_contact() -> None:
    story(
        given=[opened("2023-01-05"), first_contact_made("2023-01-10")],
        when=make_first_contact("2023-01-12"),
        then=Refused("contact-differs", "registered on 2023-01-10"),
    )


@pytest.mark.parametrize(("day", "minutes"), [("2023-01-11", 45), ("2023-01-10", 60)])
def test_a_contact_is_logged_once_with_one_day_and_duration(day: str, minutes: int) -> None:
    story(
        given=[opened("2023-01-05"), contact_logged("2023-01-10", "contact", 45)],
        when=log_contact(day, "contact", minutes),
        then=Refused("contact-differs", "registered on 2023-01-10 with 45 minutes"),
    )


def test_a_case_that_is_of_a_type_already_is_not_classified_again() -> None:
    story(
        given=[opened("2023-01-05")],
        when=assess("2023-01-10", "regular"),
        then=[],
    )


def test_a_case_type_is_one_of_the_programmes() -> None:
    story(
        given=[opened("2023-01-05")],
        when=assess("2023-01-10", "vague"),
        then=Refused("case-type-unknown", "choose from: regular, pilot-flame, complex-intensive"),
    )


def test_a_resumed_case_starts_as_the_first_case_type_again() -> None:
    story(
        given=[opened("2023-01-05"), classified("2023-01-10"), closed("2023-03-01"), reopened("2023-04-01")],
        when=assess("2023-04-02", "pilot-flame"),
        then=[classified("2023-04-02", "pilot-flame", segment=2)],
    )


def test_a_consulent_is_involved_in_agreement_with_the_family() -> None:
    story(
        given=[opened("2023-01-05")],
        when=refer("2023-01-10", family_agrees=False),
        then=Refused("family-must-agree"),
    )


def test_a_referral_is_made_once() -> None:
    story(
        given=[opened("2023-01-05"), referred("2023-01-10")],
        when=refer("2023-01-11"),
        then=Refused("referral-differs", "registered on 2023-01-10, not on 2023-01-11"),
    )


@pytest.mark.parametrize("statement", [refer("2023-01-10"), answer("2023-01-10")])
def test_a_programme_without_consulent_has_no_referrals(statement: AnyStatement) -> None:
    story(
        given=[opened("2023-01-05")],
        when=statement,
        then=Refused("consulent-not-in-programme"),
        programme=TAILORED,
    )


def test_the_consulent_answers_a_referral_also_after_its_segment_closed() -> None:
    story(
        given=[opened("2023-01-05"), referred("2023-01-10"), closed("2023-03-01"), reopened("2023-04-01")],
        when=answer("2023-03-15", answer="declined"),
        then=[answered("2023-03-15", answer="declined", segment=1)],
    )


def test_an_answer_is_about_a_referral_that_was_made() -> None:
    story(
        given=[opened("2023-01-05"), referred("2023-01-10", "another")],
        when=answer("2023-01-12"),
        then=Refused("referral-unknown", "send consulent-referral.made first"),
    )
    story(
        given=[opened("2023-01-05"), referred("2023-01-10")],
        when=answer("2023-01-09"),
        then=Refused("referral-unknown", "made on 2023-01-10"),
    )


@pytest.mark.parametrize(("day", "other"), [("2023-01-12", "declined"), ("2023-01-13", "advised")])
def test_a_referral_is_answered_once(day: str, other: str) -> None:
    story(
        given=[opened("2023-01-05"), referred("2023-01-10"), answered("2023-01-12", answer="advised")],
        when=answer(day, answer=other),
        then=Refused("referral-answered", "answered on 2023-01-12 already, with advised"),
    )


def test_an_answer_is_one_of_the_programmes() -> None:
    story(
        given=[opened("2023-01-05"), referred("2023-01-10")],
        when=answer("2023-01-12", answer="maybe"),
        then=Refused("answer-unknown", "choose from: taken-over, advised, declined"),
    )
