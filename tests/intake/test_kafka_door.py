"""The gate on Kafka: what is signed becomes a submission, as over HTTP; what cannot be one is parked, never lost."""

import json
from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent as Stranger
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from eventlog.wire import Incoming
from services.intake.kafka_door import KafkaDoor, topic_of
from services.intake.parked import REASONS, Parked
from services.intake.partners import Partners
from services.intake.signature import is_signed, sign
from tests.intake.desk import GEMEENTE, OTHER, Desk, attributes, enquiry, event, fate, partner, structured

SIGNING = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
PUBLIC = b64encode(SIGNING.public_key().public_bytes_raw()).decode()
SIGNER = partner(signing_key=PUBLIC)
STRUCTURED = {"content-type": b"application/cloudevents+json; charset=UTF-8"}


class Kept:
    """A parking lot that remembers."""

    def __init__(self) -> None:
        self.parked: list[Parked] = []

    async def park(self, parked: list[Parked]) -> None:
        self.parked += parked


class Door:
    def __init__(self) -> None:
        self.desk = Desk(Partners([SIGNER, OTHER]))
        self.lot = Kept()
        self.door = KafkaDoor(self.desk.submissions, self.desk.partners, self.lot)

    def reasons(self) -> list[str]:
        return [parked.reason for parked in self.lot.parked]


def record(headers: dict[str, bytes], value: bytes | None, topic: str = topic_of(SIGNER), offset: int = 0) -> Incoming:
    return Incoming(topic, 0, offset, None, list(headers.items()), value)


def signed(headers: dict[str, bytes], value: bytes, **where: Any) -> Incoming:
    return record(headers | {"signature": sign(SIGNING, headers, value)}, value, **where)


def binary(**changes: Any) -> tuple[dict[str, bytes], bytes]:
    headers = {f"ce_{name}": str(value).encode() for name, value in attributes(**changes).items()}
    return headers | {"content-type": b"application/json"}, json.dumps(enquiry()).encode()


def twice(name: str, value: bytes) -> Incoming:
    """A signed record with one header more."""
    sent = signed(*binary(id="twice"))
    return replace(sent, headers=[*sent.headers, (name, value)])


async def test_a_header_that_means_nothing_to_us_may_be_there_twice() -> None:
    door = Door()
    sent = signed(*binary())
    await door.door.take([replace(sent, headers=[*sent.headers, ("traceparent", b"1"), ("traceparent", b"2")])])
    assert not door.lot.parked
    assert len(await door.desk.events()) == 1


async def test_both_doors_and_both_modes_give_one_outcome() -> None:
    door = Door()
    await door.door.take([signed(STRUCTURED, json.dumps(structured()).encode()), signed(*binary())])
    over_http = fate(await door.desk.submit(event(), SIGNER))
    (recorded,) = await door.desk.events()
    assert over_http.submission == recorded.correlation
    assert over_http.status == "accepted"
    assert not door.lot.parked


async def test_a_record_that_comes_again_has_no_effect() -> None:
    door = Door()
    for _ in range(2):
        await door.door.take([signed(*binary()), signed(*binary(id="2"), offset=1)])
    assert len(await door.desk.events()) == 2


async def test_a_strangers_sdk_is_understood() -> None:
    door = Door()
    stranger = Stranger(attributes() | {"datacontenttype": "application/json"}, enquiry())
    for message in (to_binary_event(stranger), to_structured_event(stranger)):
        await door.door.take([signed(dict(message.headers), message.value)])
    assert not door.lot.parked
    assert len(await door.desk.events()) == 1


@pytest.mark.parametrize("name", ["Content-Type", "CONTENT-TYPE"])
async def test_the_content_type_is_known_in_any_case(name: str) -> None:
    door = Door()
    await door.door.take([signed({name: STRUCTURED["content-type"]}, json.dumps(structured()).encode())])
    headers, value = binary(id="2")
    await door.door.take([signed({name: headers.pop("content-type")} | headers, value)])
    assert not door.lot.parked
    assert len(await door.desk.events()) == 2


async def test_the_signature_of_one_mode_is_none_for_the_other() -> None:
    door = Door()
    value = json.dumps(structured()).encode()
    forged = {f"CE_{name}": str(held).encode() for name, held in attributes(id="never-sent").items()}
    forged |= {"content-type": b"application/json", "signature": sign(SIGNING, STRUCTURED, value)}
    headers, data = binary(id="as-data")
    other = headers | STRUCTURED | {"signature": sign(SIGNING, headers, data)}
    await door.door.take([record(forged, value), record(other, data)])
    assert door.reasons() == ["not-signed", "not-a-cloudevent"]
    assert not await door.desk.events()


async def test_a_rejection_is_an_outcome_and_not_parked() -> None:
    door = Door()
    await door.door.take([signed(binary()[0], b"no json"), signed(*binary(id="2", type="x"))])
    assert [one.type.split(".")[-2] for one in await door.desk.events()] == ["rejected", "rejected"]
    assert not door.lot.parked


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (record(*binary()), "not-signed"),
        (record(binary()[0] | {"signature": b"?"}, binary()[1]), "not-signed"),
        (record(binary()[0] | {"signature": sign(SIGNING, {}, binary()[1])}, binary()[1]), "not-signed"),
        (signed(*binary(), topic="submissions.other"), "not-signed"),
        (signed(*binary(), topic="submissions.nobody"), "partner-unknown"),
        (signed(STRUCTURED, b"{"), "not-a-cloudevent"),
        (signed({}, b"{}"), "not-a-cloudevent"),
        (record({"ce_id": None, "signature": None}, None), "not-signed"),  # type: ignore[dict-item]
        (twice("ce_id", b"2"), "header-twice"),
        (twice("signature", b"?"), "header-twice"),
        (twice("content-type", b"application/json"), "header-twice"),
        (replace(record({}, None), unread="not-readable"), "not-readable"),
        (signed({"ce_id": b"\xff"}, b"{}"), "not-a-cloudevent"),
        (signed(*binary(source="urn:not:yours")), "not-attributable"),
        (signed({"ce_id": b"1"}, b"{}"), "not-a-cloudevent"),
        (signed({"ce_id": b"1", "ce_source": b"urn:x", "CE_type": b"x"}, b"{}"), "not-signed"),
        (signed(STRUCTURED | {"ce_id": b"1"}, json.dumps(structured(id="2")).encode()), "not-a-cloudevent"),
        (
            signed(STRUCTURED | {"Content-Type": b"text/xml"}, json.dumps(structured(id="2")).encode()),
            "not-a-cloudevent",
        ),
    ],
)
async def test_what_is_nobodys_submission_is_parked_and_the_others_go_on(sent: Incoming, reason: str) -> None:
    door = Door()
    await door.door.take([sent, signed(*binary(), offset=1)])
    assert door.reasons() == [reason]
    assert reason in REASONS
    assert len(await door.desk.events()) == 1


async def test_what_is_parked_belongs_to_the_gemeente_of_the_topics_partner() -> None:
    """Whose key seals it; a topic that is nobody's is no gemeente's."""
    door, not_theirs = Door(), signed(*binary(source="urn:not:yours"))
    await door.door.take([not_theirs, record(*binary(), offset=1), signed(*binary(), topic="submissions.nobody")])
    assert {one.reason: one.gemeente for one in door.lot.parked} == {
        "not-attributable": GEMEENTE,
        "not-signed": GEMEENTE,
        "partner-unknown": "none",
    }


def test_a_signature_fits_one_division_into_headers_and_value_only() -> None:
    headers, value = binary()
    signature = sign(SIGNING, headers, value)
    assert is_signed(PUBLIC, headers | {"signature": signature}, value)
    moved = {name: held for name, held in headers.items() if name != "ce_type"} | {"signature": signature}
    assert not is_signed(PUBLIC, moved, b"ce_type:" + headers["ce_type"] + b"\n" + value)
    assert not is_signed(PUBLIC, headers | {"signature": signature, "ce_extra": b"1"}, value)
    assert not is_signed(PUBLIC, headers | {"signature": signature}, value + b" ")


@settings(max_examples=80, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["ce_id", "ce_source", "content-type", "x"]), st.binary(max_size=20)), st.binary()
)
async def test_no_record_stops_the_door(headers: dict[str, bytes], value: bytes) -> None:
    door = Door()
    await door.door.take([signed(headers, value), record(headers, value)])
    assert len(door.lot.parked) + len(await door.desk.events()) == 2
