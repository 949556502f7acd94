"""What holds for every statement, whichever it is."""

from collections.abc import Sequence
from typing import get_args

import pytest

from schemas.case import CaseFact
from schemas.statement import STATEMENTS
from services.casework.case import AnyStatement, BrokenHistory, Refusal, decide
from tests.casework.stories import (
    VENRAY,
    Happened,
    Refused,
    answer,
    assess,
    assign,
    assigned,
    case_after,
    closed,
    correct,
    corrected,
    end,
    enquire,
    log_contact,
    make_first_contact,
    opened,
    ref,
    refer,
    referred,
    resume,
    story,
    void,
    voided,
)

NEW: list[Happened] = []
OPEN = [opened("2023-01-05"), referred("2023-01-08")]
CLOSED = [*OPEN, closed("2023-03-01")]

EVERY_STATEMENT: list[tuple[list[Happened], AnyStatement]] = [
    (NEW, enquire("2023-01-05")),
    (OPEN, assign("2023-01-10")),
    (OPEN, make_first_contact("2023-01-10")),
    (OPEN, log_contact("2023-01-10")),
    (OPEN, assess("2023-01-10")),
    (OPEN, refer("2023-01-10", "second")),
    (OPEN, answer("2023-01-10")),
    (OPEN, end("2023-01-10")),
    (CLOSED, resume("2023-03-01")),
    (CLOSED, void("2023-04-01")),
    (CLOSED, correct("2023-04-01", opened_on="2023-01-06", closed_on="2023-02-20", outcome="goals-not-met")),
]
each = pytest.mark.parametrize(
    ("given", "statement"), EVERY_STATEMENT, ids=[type(stated).__name__ for _, stated in EVERY_STATEMENT]
)


def decided(given: Sequence[Happened], statement: AnyStatement) -> tuple[CaseFact, ...]:
    decision = decide(statement, case_after(given), VENRAY)
    assert not isinstance(decision, Refusal), decision.sentence
    return decision


def test_every_statement_is_told_about_here() -> None:
    assert [type(statement) for _, statement in EVERY_STATEMENT] == list(STATEMENTS)
    assert get_args(AnyStatement) == STATEMENTS


@each
def test_a_statement_has_one_fact_and_stated_again_it_adds_none(given: list[Happened], statement: AnyStatement) -> None:
    facts = decided(given, statement)
    assert len(facts) == 1
    case = case_after([*given, *(Happened(statement.occurred_on, fact) for fact in facts)])
    assert decide(statement, case, VENRAY) == ()


@each
def test_a_decision_does_not_depend_on_what_was_sealed(given: list[Happened], statement: AnyStatement) -> None:
    sealed = dict.fromkeys({"note", "question", "parent_name"} & type(statement).model_fields.keys(), "sealed:v1:…")
    assert decided(given, statement.model_copy(update=sealed)) == decided(given, statement)


@each
def test_nothing_but_an_enquiry_is_about_an_unknown_case(given: list[Happened], statement: AnyStatement) -> None:
    if given:
        story(given=NEW, when=statement, then=Refused("case-unknown", "send enquiry.received first"))


@each
def test_a_case_belongs_to_one_family(given: list[Happened], statement: AnyStatement) -> None:
    other = statement.model_copy(update={"family": ref("another family")})
    story(given=given or OPEN, when=other, then=Refused("family-differs"))


@each
def test_a_case_belongs_to_one_programme(given: list[Happened], statement: AnyStatement) -> None:
    other = statement.model_copy(update={"programme": "another-programme"})
    story(given=given or OPEN, when=other, then=Refused("case-unknown", "a case of programme gezinscoaches-venray"))


@each
def test_a_voided_case_takes_nothing_more(given: list[Happened], statement: AnyStatement) -> None:
    is_void = type(statement).__name__ == "RegistrationVoided"
    story(
        given=[*(given or OPEN), voided("2023-05-01")],
        when=statement,
        then=[] if is_void else Refused("case-voided"),
    )


@each
def test_no_sentence_names_a_reference(given: list[Happened], statement: AnyStatement) -> None:
    """Partners do not know our pseudonyms, and a sentence is read by more people than a case is."""
    histories = (NEW, OPEN, CLOSED, [*CLOSED, voided("2023-05-01")])
    for history in histories:
        decision = decide(statement, case_after(history), VENRAY)
        if isinstance(decision, Refusal):
            assert ref("case") not in decision.sentence
            assert ref("family") not in decision.sentence
            assert decision.sentence.endswith(".")
            assert len(decision.sentence) <= 500


@pytest.mark.parametrize(
    "history",
    [
        [assigned("2023-01-06")],
        [*OPEN, opened("2023-01-07")],
        [*OPEN, assigned("2023-01-06", segment=2)],
        [*OPEN, corrected("2023-02-01", closed_on="2023-01-20")],
    ],
)
def test_facts_that_cannot_follow_one_another_are_not_taken_for_a_case(history: list[Happened]) -> None:
    with pytest.raises(BrokenHistory):
        case_after(history)
