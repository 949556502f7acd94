"""The gate accepts the whole history, and casework refuses nothing of it."""

import json
from datetime import date
from hashlib import sha256
from typing import Any

from schemas.marks import ReferenceMark, fields_marked
from schemas.programme import PUBLISHED, Programmes
from schemas.statement import STATEMENTS
from services.casework.case import AnyStatement, Case, Refusal, decide, evolve
from services.demonstration.senders import PARTNERS
from services.intake.cloudevent import CloudEvent
from services.intake.gate import Accepted, judge
from services.intake.partners import Partners

PROGRAMMES = Programmes.load(PUBLISHED)
TODAY = date(2024, 1, 2)


def test_the_gate_accepts_every_submission(events: list[dict[str, Any]]) -> None:
    senders = {source: partner for partner in Partners.load(PARTNERS) for source in partner.sources}
    for event in events:
        attributes = {name: value for name, value in event.items() if name != "data"}
        cloudevent = CloudEvent(attributes, json.dumps(event["data"]).encode())
        verdict = judge(senders[event["source"]], cloudevent, TODAY, PROGRAMMES)
        assert isinstance(verdict, Accepted), verdict


def test_casework_refuses_nothing(events: list[dict[str, Any]]) -> None:
    programme = PROGRAMMES.find("gezinscoaches-venray")
    assert programme is not None
    cases: dict[str, Case] = {}
    without_effect = 0
    for event in events:
        statement = _at_casework(event)
        facts = decide(statement, cases.get(statement.case), programme)
        assert not isinstance(facts, Refusal), (event, facts)
        without_effect += not facts
        for fact in facts:
            cases[statement.case] = evolve(cases.get(statement.case), fact, statement.occurred_on)
    assert without_effect == len(events) - len({(event["source"], event["id"]) for event in events})


def _at_casework(event: dict[str, Any]) -> AnyStatement:
    """The statement as the gate hands it on: with pseudonyms for references."""
    model: Any = next(one for one in STATEMENTS if one.type == event["type"])
    statement: AnyStatement = model.model_validate_json(json.dumps(event["data"]))
    references = fields_marked(model, ReferenceMark)
    pseudonyms = {
        name: sha256(value.encode()).hexdigest()[:32]
        for name in references
        if (value := getattr(statement, name)) is not None
    }
    return statement.model_copy(update=pseudonyms)
