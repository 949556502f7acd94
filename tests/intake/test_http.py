"""The gate over HTTP: three ways to send, one answer; errors that a developer can act on."""

import base64
import json
from typing import Any

import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent as Stranger
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.intake.bindings import BATCHED, MOST_IN_BATCH, STRUCTURED
from tests.intake.desk import OTHER_KEY, SOURCE, Desk, attributes, enquiry, structured

PROBLEM = "application/problem+json"


def batch(*events: Any) -> dict[str, Any]:
    return {"content": json.dumps(events), "headers": {"Content-Type": BATCHED}}


def one(event: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"content": json.dumps(event or structured()), "headers": {"Content-Type": STRUCTURED}}


def binary(**headers: str) -> dict[str, Any]:
    named = {f"ce-{name}": value for name, value in attributes().items()}
    return {"content": json.dumps(enquiry()), "headers": named | {"Content-Type": "application/json"} | headers}


async def test_structured_binary_and_batch_are_the_same_submission() -> None:
    desk = Desk()
    async with desk.client() as client:
        first = await client.post("/v1/events", **one())
        second = await client.post("/v1/events", **binary())
        third = await client.post("/v1/events", **batch(structured()))
        encoded = attributes() | {"data_base64": base64.b64encode(json.dumps(enquiry()).encode()).decode()}
        fourth = await client.post("/v1/events", **one(encoded))
    assert first.status_code == second.status_code == fourth.status_code == 202
    assert third.status_code == 200
    assert first.json() == second.json() == third.json()["results"][0] == fourth.json()
    assert first.json()["status"] == "accepted"
    assert len(await desk.events()) == 1


async def test_the_answer_says_where_the_fate_can_be_asked() -> None:
    desk = Desk()
    async with desk.client() as client:
        sent = await client.post("/v1/events", **one())
        asked = await client.get(sent.headers["Location"])
    assert sent.headers["API-Version"]
    assert asked.status_code == 200
    assert asked.json() == sent.json()
    assert asked.json()["receivedAt"] == "2024-03-05T13:03:09.000000Z"


async def test_events_of_a_strangers_sdk_are_taken() -> None:
    desk = Desk()
    event = Stranger(attributes() | {"datacontenttype": "application/json"}, enquiry())
    async with desk.client() as client:
        for message in (to_structured_event(event), to_binary_event(event)):
            answer = await client.post("/v1/events", content=message.body, headers=dict(message.headers))
            assert answer.status_code == 202, answer.text
    assert len(await desk.events()) == 1


async def test_a_rejection_is_a_problem_with_all_errors_and_can_be_asked_for() -> None:
    desk = Desk()
    async with desk.client() as client:
        answer = await client.post("/v1/events", **one(structured(enquiry(ageYears="8", area=None))))
        asked = await client.get(answer.headers["Location"])
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, PROBLEM)
    assert {error["code"] for error in answer.json()["errors"]} == {"field-invalid", "field-missing"}
    assert {"status", "title", "detail", "submission", "links"} <= set(answer.json())
    assert asked.json()["status"] == "rejected"


async def test_other_content_under_the_same_id_is_a_conflict() -> None:
    async with Desk().client() as client:
        await client.post("/v1/events", **one())
        answer = await client.post("/v1/events", **one(structured(enquiry(ageYears=9))))
    assert (answer.status_code, answer.headers["Content-Type"]) == (409, PROBLEM)
    assert "under a new one" in answer.json()["detail"]


@pytest.mark.parametrize(
    "request_parts",
    [
        {"content": b"hello"},
        {"content": b"{}", "headers": {"Content-Type": "application/json"}},
        {"content": b"[]", "headers": {"Content-Type": BATCHED}},
        {"content": b"{}", "headers": {"Content-Type": BATCHED}},
        {"content": b"\xff", "headers": {"Content-Type": STRUCTURED}},
        {"content": b'{"id":"a","id":"b"}', "headers": {"Content-Type": STRUCTURED}},
        one(structured() | {"data_base64": "e30="}),
        one(attributes() | {"data_base64": "?"}),
        one(structured(source="urn:not:yours")),
        {"content": b"{}", "headers": [("ce-id", "1"), ("ce-id", "2"), ("ce-source", SOURCE)]},
        {"content": b"{}", "headers": {"ce-id": "%FF", "ce-source": SOURCE}},
    ],
)
async def test_what_is_nobodys_submission_is_answered_400_and_not_stored(request_parts: dict[str, Any]) -> None:
    desk = Desk()
    async with desk.client() as client:
        answer = await client.post("/v1/events", **request_parts)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, PROBLEM)
    assert answer.json()["errors"][0]["sentence"]
    assert not await desk.events()


async def test_a_header_is_percent_decoded() -> None:
    desk = Desk()
    async with desk.client() as client:
        answer = await client.post("/v1/events", **binary(**{"ce-id": '"%70roef%2F1"'}))
    assert answer.status_code == 202
    assert '"proef/1"' in (await desk.events())[0].data.decode()


async def test_each_event_of_a_batch_has_its_own_result() -> None:
    wrong = structured(enquiry(ageYears=-9), id="2")
    async with Desk().client() as client:
        answer = await client.post(
            "/v1/events", **batch(structured(), wrong, 7, structured(id=None), structured(id="3"))
        )
    statuses = [result["status"] for result in answer.json()["results"]]
    assert answer.status_code == 200
    assert statuses == ["accepted", "rejected", "unattributable", "unattributable", "accepted"]


async def test_a_batch_that_is_too_long_is_not_taken_at_all() -> None:
    desk = Desk()
    async with desk.client() as client:
        answer = await client.post("/v1/events", **batch(*[{}] * (MOST_IN_BATCH + 1)))
    assert answer.status_code == 400
    assert "at most 1000" in answer.json()["errors"][0]["sentence"]


async def test_a_body_is_read_no_further_than_its_limit() -> None:
    async def endless() -> Any:
        for _ in range(10_000):
            yield b" " * 65_536
        raise AssertionError("the limit was not held")

    async with Desk().client() as client:
        answer = await client.post("/v1/events", content=endless(), headers={"Content-Type": STRUCTURED})
        declared = await client.post("/v1/events", content=b" " * 2_000_000, headers={"Content-Type": STRUCTURED})
    assert answer.status_code == declared.status_code == 413


@pytest.mark.parametrize("key", [None, "wrong"])
async def test_without_a_known_key_nobody_sends_or_reads(key: str | None) -> None:
    async with Desk().client(key) as client:
        for answer in (await client.post("/v1/events", **one()), await client.get("/v1/submissions/" + "0" * 32)):
            assert (answer.status_code, answer.headers["Content-Type"]) == (401, PROBLEM)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert "Send `Authorization: Bearer <key>`" in answer.json()["detail"]


async def test_a_partner_reads_its_own_submissions_only() -> None:
    desk = Desk()
    async with desk.client() as school, desk.client(OTHER_KEY) as other:
        location = (await school.post("/v1/events", **one())).headers["Location"]
        assert (await school.get(location)).status_code == 200
        assert (await other.get(location)).status_code == 404
        assert (await school.get("/v1/submissions/nonsense")).status_code == 404


async def test_when_the_database_is_away_the_sender_is_told_to_come_back() -> None:
    desk = Desk()

    async def away(*_: object) -> list[object]:
        raise ConnectionRefusedError

    desk.ledger.append = away  # type: ignore[method-assign, assignment]
    async with desk.client() as client:
        answer = await client.post("/v1/events", **one())
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


async def test_the_openapi_document_tells_the_three_ways_to_send() -> None:
    async with Desk().client(None) as client:
        paths = (await client.get("/v1/openapi.json")).json()["paths"]
    assert set(paths) == {"/v1/events", "/v1/submissions/{submission}"}
    assert set(paths["/v1/events"]["post"]["requestBody"]["content"]) == {STRUCTURED, BATCHED, "application/json"}


bodies = st.binary(max_size=100) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*structured(), "x"]), inner, max_size=5)
    ),
    max_leaves=10,
).map(lambda value: json.dumps(value).encode())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies, st.sampled_from([STRUCTURED, BATCHED, "application/json", "x"]), st.booleans())
async def test_whatever_comes_is_answered(body: bytes, content_type: str, named: bool) -> None:
    headers = {"Content-Type": content_type} | ({"ce-id": "1", "ce-source": SOURCE} if named else {})
    async with Desk().client() as client:
        answer = await client.post("/v1/events", content=body, headers=headers)
    assert answer.status_code in (200, 202, 400)
    assert answer.json()
