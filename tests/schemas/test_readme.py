"""What the README tells partners is what the models and the gate say."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest

from schemas.describe import json_schema, name_of
from schemas.marks import PersonalMark, fields_marked
from schemas.statement import STATEMENTS, Statement
from schemas.submission import ANSWERS, RefusalRule, RejectionCode
from services.demonstration.senders import COACHES, PARTNERS, senders_of
from services.intake.bindings import kafka
from services.intake.cloudevent import CloudEvent
from services.intake.partners import Partners
from services.intake.signature import is_signed

README = (Path(__file__).parents[2] / "schemas" / "README.md").read_text(encoding="utf-8")
CODE = re.compile(r"`([^`]+)`")
SHARED = {"programme", "case", "family", "occurredOn"}


def rows(heading: str) -> list[list[str]]:
    """The cells of every table row between `heading` and the next heading."""
    section = re.split(r"^#+ ", README.split(f" {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize(
    ("heading", "codes"), [("Rejected by the gate", RejectionCode), ("Refused by casework", RefusalRule)]
)
def test_each_code_is_listed_once_with_its_meaning_and_what_to_do(heading: str, codes: Any) -> None:
    listed = [row[0].strip("`") for row in rows(heading)]

    assert sorted(listed) == sorted(get_args(codes))
    assert all(len(row) == 3 and all(row) for row in rows(heading))


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda statement: statement.__name__)
def test_a_statement_is_listed_with_its_fields_and_which_may_be_left_out(statement: type[Statement]) -> None:
    (row,) = [row for row in rows("What you can state") if row[0] == f"`{name_of(statement)}`"]
    schema = json_schema(statement)

    listed = {name: bool(optional) for name, optional in re.findall(r"`([a-z][A-Za-z]+)`(\?)?", row[3])}

    assert set(listed) == set(schema["properties"]) - SHARED
    assert {name for name, optional in listed.items() if optional} == set(schema["properties"]) - set(
        schema["required"]
    )


def test_each_field_is_explained_and_the_personal_ones_are_called_so() -> None:
    explained = {name: row[2] for row in rows("Fields") for name in CODE.findall(row[0])}
    fields = {name for statement in STATEMENTS for name in json_schema(statement)["properties"]}
    personal = {
        statement.model_fields[name].alias
        for statement in STATEMENTS
        for name in fields_marked(statement, PersonalMark)
    }

    assert set(explained) == fields
    assert {name for name, form in explained.items() if form.startswith("personal")} == personal


def test_every_answer_is_listed() -> None:
    listed = {row[1].strip("`") for row in rows("What you are told")}

    assert listed == {name_of(answer) for answer in ANSWERS} | {"none"}


def test_the_snippet_signs_a_record_as_the_door_on_kafka_wants_it() -> None:
    record = run_snippet()
    partner = Partners.load(PARTNERS).find("synthetic-synthese")
    assert partner is not None
    assert partner.signing_key is not None

    assert is_signed(partner.signing_key, record["headers"], record["value"])
    assert not is_signed(partner.signing_key, record["headers"] | {"ce_id": b"another"}, record["value"])


def test_the_snippet_sends_a_statement_that_fits() -> None:
    record = run_snippet()
    event = kafka(record["headers"], record["value"])
    statement = next(one for one in STATEMENTS if one.type == event.attributes["type"])

    assert isinstance(event, CloudEvent)
    statement.model_validate_json(record["value"], strict=True)


def test_the_demonstrations_partner_is_the_one_the_commands_name() -> None:
    sender = senders_of("GM0984", "gezinscoaches-venray")[COACHES]

    assert f"Bearer {sender.bearer_key}'" in README
    assert f'"source": "{sender.source}"' in README
    assert f"submissions.{sender.id}" in README


def run_snippet() -> dict[str, Any]:
    (snippet,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(snippet, "schemas/README.md", "exec"), names)  # noqa: S102 - the reader is told to run it
    return names
