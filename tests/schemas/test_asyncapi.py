"""The AsyncAPI document is valid by a model that is not ours, and every message matches one message object."""

import json
from pathlib import Path
from typing import Any

import pydantic
import pytest
from asyncapi3.models.asyncapi import AsyncAPI3
from jsonschema import Draft202012Validator, FormatChecker

from schemas.asyncapi import asyncapi
from schemas.case import FACTS
from schemas.describe import name_of
from schemas.event import NAMESPACE, Event
from schemas.registry import EVENTS
from schemas.submission import ANSWERS, STATEMENTS

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"
DOCUMENT = json.loads(asyncapi())
SIGNATURE = {"signature": "A" * 86 + "=="}


def example(event: type[Event]) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((EXAMPLES / f"{name_of(event)}.json").read_text())
    return read


def binary(event: type[Event]) -> tuple[dict[str, str], Any]:
    source = "urn:nld:kvknr:00000001:systeem:registratie"
    headers = {"ce_specversion": "1.0", "ce_id": "1", "ce_source": source, "ce_type": event.type}
    return headers, example(event)


def structured(event: type[Event]) -> tuple[dict[str, str], Any]:
    headers, data = binary(event)
    attributes = {name.removeprefix("ce_"): value for name, value in headers.items()}
    return {}, {**attributes, "datacontenttype": "application/json", "data": data}


def recorded(event: type[Event]) -> tuple[dict[str, str], Any]:
    headers, data = binary(event)
    return {
        **headers,
        **{"ce_subject": "case-1", "ce_time": "2023-02-06T09:00:00.000000Z", "ce_sequence": "00000000000000000001"},
        **{"ce_streamversion": "1", "ce_occurredon": "2023-02-06", "ce_gemeente": "GM0984"},
        **{"ce_partner": "synthetic-x", "ce_correlationid": "c", "ce_causationid": "c"},
    }, data


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


@pytest.mark.parametrize("event", [*ANSWERS, *FACTS], ids=lambda event: event.__name__)
def test_a_recorded_event_matches_one_message_of_its_topic(event: type[Event]) -> None:
    for channel in ("answers", "intakeEvents") if event in ANSWERS else ("caseworkEvents",):
        assert matches(channel, *recorded(event)) == [event.__name__]


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
