"""Every submission of the history is one that its partner may send, at the moment it is sent."""

import json
from collections import Counter, defaultdict
from datetime import date
from typing import Any

from schemas.marks import PersonalMark, fields_marked
from schemas.programme import PUBLISHED, Programmes
from schemas.statement import STATEMENTS
from services.demonstration.workdays import is_working_day

OF_TYPE = {statement.type: statement for statement in STATEMENTS}


def test_every_statement_fits_its_schema_strictly(events: list[dict[str, Any]]) -> None:
    for event in events:
        statement = OF_TYPE[event["type"]].model_validate_json(json.dumps(event["data"]), strict=True, by_name=False)
        assert statement.model_dump(mode="json", exclude_none=True) == event["data"]


def test_every_kind_of_statement_is_there(events: list[dict[str, Any]]) -> None:
    assert {event["type"] for event in events} == set(OF_TYPE)
    assert 6000 <= len(events) <= 9000


def test_every_code_is_on_the_programmes_lists(events: list[dict[str, Any]]) -> None:
    programme = Programmes.load(PUBLISHED).find("gezinscoaches-venray")
    assert programme is not None
    lists = {
        "area": programme.areas,
        "channel": programme.channels,
        "helpQuestion": programme.help_questions,
        "caseType": programme.case_types,
        "reason": programme.closing_reasons,
        "outcome": programme.outcomes,
        "answer": programme.consulent_answers,
    }
    for data in (event["data"] for event in events if not event["type"].endswith("registration.voided.v1")):
        for name, codes in lists.items():
            assert data.get(name) is None or data[name] in codes
        assert set(data.get("referredTo", ())) <= set(programme.destinations)
        assert programme.age_band(data.get("ageYears", 0)) is not None
        assert programme.runs_on(date.fromisoformat(data["occurredOn"]))


def test_only_a_handful_is_sent_twice_and_then_with_the_same_content(events: list[dict[str, Any]]) -> None:
    sent = Counter((event["source"], event["id"]) for event in events)
    contents = {json.dumps(event, sort_keys=True) for event in events}

    assert 1 <= len(events) - len(sent) <= 6
    assert len(contents) == len(sent)


def test_partners_send_by_day_and_on_working_days(events: list[dict[str, Any]]) -> None:
    days = [date.fromisoformat(event["data"]["occurredOn"]) for event in events]
    times = [event["time"] for event in events]

    assert times == sorted(times)
    assert [one[:10] for one in times] == [day.isoformat() for day in days]
    assert all(map(is_working_day, days))


def test_every_case_is_told_in_order(events: list[dict[str, Any]]) -> None:
    told = defaultdict(list)
    for event in events:
        told[event["data"]["case"]].append(event)
    for case in told.values():
        verbs = [event["type"].removeprefix("nl.overheid.jeugdzaken.") for event in case]
        days = [event["data"]["occurredOn"] for event in case]
        assert verbs[0] == "enquiry.received.v1"
        assert days == sorted(days)


def test_a_few_registrations_are_put_right(events: list[dict[str, Any]]) -> None:
    verbs = Counter(event["type"].removeprefix("nl.overheid.jeugdzaken.") for event in events)

    assert verbs["registration.voided.v1"] == 3
    assert verbs["registration.corrected.v1"] == 6
    assert verbs["support.resumed.v1"] == 5


def test_what_is_personal_is_plainly_synthetic(events: list[dict[str, Any]]) -> None:
    personal = 0
    for event in events:
        for name in fields_marked(OF_TYPE[event["type"]], PersonalMark):
            alias = OF_TYPE[event["type"]].model_fields[name].alias
            text = event["data"].get(alias)
            assert text is None or "synthetisch" in text.lower()
            personal += text is not None
    assert personal > 1000
