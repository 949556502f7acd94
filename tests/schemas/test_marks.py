"""Who may say what: no fact and no answer has a field for personal data, and every type has a name we own."""

import re

import pytest

from schemas.case import FACTS
from schemas.event import Event
from schemas.marks import PersonalMark, ReferenceMark, fields_marked, looks_like_bsn
from schemas.programme import PUBLISHED, Programmes
from schemas.registry import EVENTS
from schemas.statement import STATEMENTS, ContactLogged, EnquiryReceived
from schemas.submission import ANSWERS

TYPE_NAME = re.compile(r"nl\.overheid\.jeugdzaken\.[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*\.v[1-9][0-9]*")


@pytest.mark.parametrize("event", [*FACTS, *ANSWERS], ids=lambda event: event.type)
def test_what_we_write_has_no_field_for_personal_data_or_a_partners_reference(event: type[Event]) -> None:
    assert fields_marked(event, PersonalMark) == frozenset()
    assert fields_marked(event, ReferenceMark) == frozenset()


def test_the_marks_are_found_also_where_a_field_may_be_absent() -> None:
    assert fields_marked(ContactLogged, PersonalMark) == {"note"}
    assert fields_marked(EnquiryReceived, ReferenceMark) == {"case", "family", "youth", "decision"}


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda statement: statement.type)
def test_text_of_a_partners_own_words_is_always_personal(statement: type[Event]) -> None:
    free = {
        name
        for name, field in statement.model_json_schema(by_alias=False)["properties"].items()
        for choice in field.get("anyOf", [field])
        if choice.get("type") == "string" and not choice.keys() & {"pattern", "format", "enum"}
    }

    assert free == fields_marked(statement, PersonalMark)


@pytest.mark.parametrize("name", EVENTS)
def test_a_type_is_reverse_dns_then_noun_verb_version(name: str) -> None:
    assert TYPE_NAME.fullmatch(name)
    assert EVENTS[name].type == name


@pytest.mark.parametrize(
    "name", ["nl.overheid.jeugdzaken.case.opened", "case.opened.v1", "nl.overheid.jeugdzaken.a.v1"]
)
def test_another_name_is_seen_not_to_be_one(name: str) -> None:
    assert not TYPE_NAME.fullmatch(name)


@pytest.mark.parametrize(
    ("text", "is_one"), [("999990019", True), ("99999001", False), ("111222333", True), ("GZ-111222333", False)]
)
def test_a_bsn_is_known_by_the_elfproef(text: str, *, is_one: bool) -> None:
    assert looks_like_bsn(text) is is_one


def test_every_programme_that_comes_with_it_can_be_loaded() -> None:
    assert {programme.id for programme in Programmes.load(PUBLISHED)} >= {"gezinscoaches-venray"}
