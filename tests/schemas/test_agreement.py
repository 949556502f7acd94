"""What the published schema of a statement says is what the gate's strict reading takes, and the other way round."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from pydantic import ValidationError

from schemas.describe import json_schema
from schemas.marks import looks_like_bsn
from schemas.statement import STATEMENTS, EnquiryReceived, Statement
from tests.schemas.made_up import data_of

EVERY_STATEMENT = pytest.mark.parametrize("statement", STATEMENTS, ids=lambda statement: statement.__name__)
A_FEW = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))

ODD_VALUES: list[Any] = [
    *(None, True, 0, -1, -2, 121, 1441, 1.5, "", " ", "7", "true", "x" * 61, "x" * 65, "x" * 2001, [], ["a"], [1], {}),
    *("2023-02-30", "2023-2-3", "20230203", "2023-02-03T00:00:00Z", "2023-02-03", "Wijk-B"),
    *("a b", "a--b", "é", "GZ_1.", ["a"] * 11),
]


def taken(statement: type[Statement], data: object) -> bool:
    try:
        statement.model_validate_json(json.dumps(data), strict=True, by_alias=True, by_name=False)
    except ValidationError:
        return False
    return True


def allowed(statement: type[Statement], data: object) -> bool:
    checker = Draft202012Validator(json_schema(statement), format_checker=FormatChecker())
    return bool(checker.is_valid(data))


@EVERY_STATEMENT
@A_FEW
@given(data=st.data())
def test_schema_and_gate_agree_on_a_statement_with_one_thing_odd(
    statement: type[Statement], data: st.DataObject
) -> None:
    stated = data.draw(data_of(statement))
    field = data.draw(st.sampled_from([*json_schema(statement)["properties"], "unheardOf"]))
    match data.draw(st.sampled_from(["as it is", "field gone", "value odd"])):
        case "field gone":
            stated.pop(field, None)
        case "value odd":
            stated[field] = data.draw(st.sampled_from(ODD_VALUES))

    assert taken(statement, stated) == allowed(statement, stated)


def test_the_one_thing_a_schema_cannot_say_is_that_no_reference_looks_like_a_bsn() -> None:
    stated = {
        **{"programme": "gezinscoaches-venray", "case": "GZ-1", "family": "999990019", "occurredOn": "2023-02-06"},
        **{"ageYears": 8, "area": "wijk-b", "channel": "school", "helpQuestion": "anxiety"},
    }

    assert looks_like_bsn("999990019")
    assert allowed(EnquiryReceived, stated)
    assert not taken(EnquiryReceived, stated)
    assert "elfproef" in json_schema(EnquiryReceived)["properties"]["family"]["description"]


def test_a_statement_reads_the_names_of_the_wire_only_in_its_schema() -> None:
    properties = json_schema(EnquiryReceived)["properties"]

    assert "ageYears" in properties
    assert "age_years" not in properties
