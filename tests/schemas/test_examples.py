"""The examples are right by a validator that is not ours, and tell one story: a case from enquiry to second start."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError

from schemas.case import FACTS, CaseVoided
from schemas.describe import name_of
from schemas.event import Event
from schemas.marks import PersonalMark, ReferenceMark, fields_marked
from schemas.programme import PUBLISHED, Programmes
from schemas.registry import EVENTS
from schemas.statement import STATEMENTS, EnquiryReceived, RegistrationVoided

SCHEMAS = Path(__file__).parents[2] / "schemas"
EVERY_TYPE = pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS.keys())


def example(event: type[Event]) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((SCHEMAS / "examples" / f"{name_of(event)}.json").read_text())
    return read


def validator(event: type[Event]) -> Draft202012Validator:
    schema = json.loads((SCHEMAS / "json" / f"{name_of(event)}.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FormatChecker())


@EVERY_TYPE
def test_an_example_fits_the_published_schema(event: type[Event]) -> None:
    validator(event).validate(example(event))


@EVERY_TYPE
def test_an_example_is_what_the_ledger_would_hold(event: type[Event]) -> None:
    decoded = event.model_validate_json(json.dumps(example(event)), strict=True)

    assert json.loads(decoded.encode()) == example(event)


@EVERY_TYPE
def test_a_field_nobody_published_does_not_fit(event: type[Event]) -> None:
    with pytest.raises(ValidationError, match="Additional properties"):
        validator(event).validate(example(event) | {"unheardOf": 1})


def test_a_day_that_does_not_exist_does_not_fit() -> None:
    with pytest.raises(ValidationError, match="is not a 'date'"):
        validator(EnquiryReceived).validate(example(EnquiryReceived) | {"occurredOn": "2023-02-30"})


def test_it_is_one_case_of_one_family_apart_from_the_registration_that_is_voided() -> None:
    cases = {example(statement)["case"] for statement in STATEMENTS if statement is not RegistrationVoided}
    families = {example(statement)["family"] for statement in STATEMENTS}
    pseudonyms = {example(fact)["case"] for fact in FACTS if fact is not CaseVoided}

    assert (len(cases), len(families), len(pseudonyms)) == (1, 1, 1)


def test_the_statements_are_told_in_the_order_of_their_days() -> None:
    days = [example(statement)["occurredOn"] for statement in STATEMENTS if statement.__name__ != "RegistrationVoided"]

    assert days == sorted(days)


def test_every_code_is_one_of_the_programme() -> None:
    programme = Programmes.load(PUBLISHED).find(example(EnquiryReceived)["programme"])
    assert programme is not None
    lists = {
        **{"area": programme.areas, "channel": programme.channels, "helpQuestion": programme.help_questions},
        **{"caseType": programme.case_types, "outcome": programme.outcomes, "answer": programme.consulent_answers},
    }

    for event in (*STATEMENTS, *FACTS):
        for field in lists.keys() & example(event).keys():
            assert example(event)[field] in lists[field], event.type
        assert set(example(event).get("referredTo", ())) <= programme.destinations.keys()


@pytest.mark.parametrize("name", ["accepted", "rejected", "contested"])
def test_a_submission_is_named_by_its_source_and_id(name: str) -> None:
    answer = example(EVENTS[f"nl.overheid.jeugdzaken.submission.{name}.v1"])

    assert answer["submission"] == sha256(f"{answer['source']}\n{answer['id']}".encode()).hexdigest()[:32]


def test_what_is_accepted_is_the_enquiry_with_pseudonyms_and_sealed_fields() -> None:
    stated = example(EnquiryReceived)
    accepted = example(EVENTS["nl.overheid.jeugdzaken.submission.accepted.v1"])["statement"]

    assert accepted.keys() == stated.keys()
    for name in fields_marked(EnquiryReceived, PersonalMark):
        alias = EnquiryReceived.model_fields[name].alias
        assert alias not in stated or accepted[alias].startswith("sealed:v1:")
    for name in fields_marked(EnquiryReceived, ReferenceMark) & stated.keys():
        assert len(bytes.fromhex(accepted[name])) == 16
