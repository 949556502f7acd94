"""The AsyncAPI document is valid by a model that is not ours, and every message matches one message object."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pydantic
import pytest
from asyncapi3.models.asyncapi import AsyncAPI3
from jsonschema import Draft202012Validator, FormatChecker

from eventlog.ledger import LedgerId, Recorded
from eventlog.wire import Outgoing, outgoing
from schemas.asyncapi import asyncapi
from schemas.case import FACTS
from schemas.describe import name_of
from schemas.event import NAMESPACE, Event
from schemas.marks import NotToldMark, fields_marked
from schemas.registry import EVENTS
from schemas.statement import STATEMENTS
from schemas.submission import ANSWERS, SubmissionApplied, SubmissionRefused
from services.intake.answers import answer_of

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"
DOCUMENT = json.loads(asyncapi())
SIGNATURE = {"signature": "A" * 86 + "=="}


def example(event: type[Event]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXAMPLES / f"{name_of(event)}.json").read_text())
    return found


def binary(event: type[Event]) -> tuple[dict[str, str], Any]:
    source = "urn:nld:kvknr:00000001:systeem:registratie"
    headers = {"ce_specversion": "1.0", "ce_id": "1", "ce_source": source, "ce_type": event.type}
    return headers, example(event)


def structured(event: type[Event]) -> tuple[dict[str, str], Any]:
    headers, data = binary(event)
    attributes = {name.removeprefix("ce_"): value for name, value in headers.items()}
    return {}, {**attributes, "datacontenttype": "application/json", "data": data}


def recorded(event: type[Event], service: str) -> Recorded:
    return Recorded(
        ledger=LedgerId(service, "GM0984"),
        position=7,
        stream="submission-b3e350cdd4fd35359bf4f81e83c25264",
        version=1,
        type=event.type,
        occurred_on=date(2023, 2, 6),
        recorded_at=datetime(2023, 2, 6, 9, tzinfo=UTC),
        partner="synthetic-synthese",
        correlation="b3e350cdd4fd35359bf4f81e83c25264",
        causation="b3e350cdd4fd35359bf4f81e83c25264",
        data=json.dumps(example(event)).encode(),
    )


def read(record: Outgoing) -> tuple[dict[str, str], Any]:
    return {name: value.decode() for name, value in record.headers}, json.loads(record.value)


def matches(channel: str, headers: dict[str, str], value: Any) -> list[str]:
    """The message objects of the channel that a message with these headers and this value fits."""
    messages = DOCUMENT["components"]["messages"]
    return [
        name
        for name in DOCUMENT["channels"][channel]["messages"]
        if _fits(messages[name]["headers"], headers) and _fits(messages[name]["payload"], value)
    ]


def _fits(schema: dict[str, Any], instance: Any) -> bool:
    whole = {**schema, "components": DOCUMENT["components"]}
    return bool(Draft202012Validator(whole, format_checker=FormatChecker()).is_valid(instance))


def test_the_document_is_valid() -> None:
    AsyncAPI3.model_validate(DOCUMENT)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda document: document["channels"]["submissions"].update(adress="x"),
        lambda document: document["operations"]["sendAnswers"].update(action="publish"),
        lambda document: document["components"]["messages"]["CaseOpened"].update(header={}),
        lambda document: document.pop("info"),
    ],
)
def test_a_spoilt_document_is_seen_not_to_be_valid(spoil: Any) -> None:
    document = json.loads(asyncapi())
    spoil(document)

    with pytest.raises(pydantic.ValidationError):
        AsyncAPI3.model_validate(document)


def test_every_reference_leads_somewhere() -> None:
    for pointer in _references(DOCUMENT):
        place = DOCUMENT
        for step in pointer.removeprefix("#/").split("/"):
            place = place[step]


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda event: event.__name__)
def test_a_statement_matches_one_message_in_either_mode(statement: type[Event]) -> None:
    headers, value = binary(statement)
    assert matches("submissions", headers | SIGNATURE, value) == [statement.__name__]

    headers, value = structured(statement)
    assert matches("submissions", headers | SIGNATURE, value) == [f"{statement.__name__}Structured"]


def test_a_statement_without_a_signature_or_of_another_type_matches_none() -> None:
    headers, value = binary(STATEMENTS[0])

    assert matches("submissions", headers, value) == []
    assert matches("submissions", headers | SIGNATURE | {"ce_type": NAMESPACE + "enquiry.imagined.v1"}, value) == []


@pytest.mark.parametrize("event", [*FACTS, SubmissionApplied, SubmissionRefused], ids=lambda event: event.__name__)
def test_what_casework_publishes_matches_one_message(event: type[Event]) -> None:
    assert matches("caseworkEvents", *read(outgoing(recorded(event, "casework")))) == [event.__name__]


@pytest.mark.parametrize("event", ANSWERS, ids=lambda event: event.__name__)
def test_what_intake_publishes_and_what_a_partner_is_told_matches_one_message(event: type[Event]) -> None:
    assert matches("intakeEvents", *read(outgoing(recorded(event, "intake")))) == [event.__name__]
    assert matches("answers", *read(answer_of(recorded(event, "intake")))) == [event.__name__]


@pytest.mark.parametrize("event", ANSWERS, ids=lambda event: event.__name__)
def test_a_partner_is_told_everything_but_what_stays_with_us(event: type[Event]) -> None:
    _, told = read(answer_of(recorded(event, "intake")))

    assert set(example(event)) - set(told) == fields_marked(event, NotToldMark)


def test_the_document_says_the_same_as_the_published_schemas() -> None:
    for event in EVENTS.values():
        published = json.loads((EXAMPLES.parent / "json" / f"{name_of(event)}.json").read_text())
        stated = DOCUMENT["components"]["schemas"][event.__name__]
        assert stated["required"] == published["required"]
        assert list(stated["properties"]) == list(published["properties"])


def _references(part: Any) -> list[str]:
    match part:
        case {"$ref": str(pointer)}:
            return [pointer]
        case dict():
            return [pointer for inner in part.values() for pointer in _references(inner)]
        case list():
            return [pointer for inner in part for pointer in _references(inner)]
        case _:
            return []
