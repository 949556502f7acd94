"""Codes are held to the programme's lists at the gate: what a wrong column put there is neither kept nor repeated."""

from schemas.describe import json_schema
from schemas.event import NAMESPACE
from schemas.programme import Programmes
from schemas.statement import STATEMENTS
from services.intake.codes import LISTED
from services.intake.gate import judge
from tests.intake.desk import SCHOOL, TODAY, Desk, enquiry, event, programme, structured
from tests.intake.test_gate import corrected, errors
from tests.intake.test_http import one

CODE = "^[a-z0-9]+(-[a-z0-9]+)*$"


def test_every_coded_field_is_held_to_a_list_of_the_programme() -> None:
    coded = {
        (statement, field)
        for statement in STATEMENTS
        for field, schema in json_schema(statement)["properties"].items()
        if CODE in str(schema) and field != "programme"
    }
    assert coded == {(statement, field) for statement, fields in LISTED.items() for field in fields}


def test_a_programme_without_a_list_takes_no_code_for_it() -> None:
    without = Programmes({"gezinscoaches-venray": programme(consulent=False, consulent_answers={})})
    answer = corrected(referral="R", answer="sam-verzonnen")
    found = judge(SCHOOL, event(answer, type=NAMESPACE + "consulent-referral.answered.v1"), TODAY, without)
    assert [(error.code, error.sentence) for error in errors(found)] == [
        ("code-unknown", "Do not send this for this programme: it has no codes for `answer`.")
    ]


async def test_a_name_in_a_coded_field_is_neither_kept_nor_repeated() -> None:
    desk = Desk()
    coded = ("area", "channel", "helpQuestion")
    sent = structured(enquiry(**dict.fromkeys(coded, "sam-verzonnen-2015")))
    async with desk.client() as client:
        answer = await client.post("/v1/events", **one(sent))
        page = await client.get(answer.json()["links"]["page"])
    assert [(error["code"], error["field"]) for error in answer.json()["errors"]] == [
        ("code-unknown", field) for field in coded
    ]
    assert "wijk-a, wijk-b" in answer.json()["errors"][0]["sentence"]
    kept = b"".join(recorded.leaf() for recorded in await desk.events()).decode()
    assert "verzonnen" not in kept + answer.text + page.text


async def test_an_id_that_holds_what_looks_like_a_bsn_is_not_kept() -> None:
    desk = Desk()
    for held in ("bsn:111222333", "111222333-2024", "aanmelding/111222333"):
        await desk.submit(event(id=held))
    assert not await desk.events()
