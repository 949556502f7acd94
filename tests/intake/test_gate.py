"""The rules of the gate: each code is given where it should be, all together, and nothing that was sent is repeated."""

from collections.abc import Mapping
from datetime import date
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.event import NAMESPACE
from schemas.submission import GateError, RejectionCode
from services.intake.cloudevent import MOST_DATA_BYTES, CloudEvent
from services.intake.gate import Accepted, Rejected, Unattributable, Verdict, judge
from tests.intake.desk import PROGRAMMES, SCHOOL, SOURCE, TODAY, attributes, enquiry, event, partner

BSN = "123456782"
CORRECTED = NAMESPACE + "registration.corrected.v1"
NOT_KEPT = {"source-not-yours"}
"""Codes that never stand in the ledger, because nothing can be kept under that source and id."""


def corrected(**changes: Any) -> dict[str, Any]:
    shared = {name: enquiry()[name] for name in ("programme", "case", "family", "occurredOn")}
    return shared | changes


CASES: list[tuple[str, CloudEvent, str | None]] = [
    ("attribute-missing", event(type=None), "type"),
    ("attribute-missing", event(specversion=None), "specversion"),
    ("attribute-invalid", event(specversion="0.3"), "specversion"),
    ("attribute-invalid", event(datacontenttype="text/xml"), "datacontenttype"),
    ("source-not-yours", event(source="urn:someone:else"), "source"),
    ("type-unknown", event(type="nl.overheid.jeugdzaken.case.opened.v1"), "type"),
    ("type-unknown", event(type=7), "type"),
    ("type-not-allowed", event({}, type=NAMESPACE + "registration.voided.v1"), "type"),
    ("programme-unknown", event(enquiry(programme="no-such")), "programme"),
    ("programme-not-allowed", event(enquiry(programme="not-for-school")), "programme"),
    ("programme-not-allowed", event(enquiry(programme="elsewhere")), "programme"),
    ("data-missing", event(b""), None),
    ("data-missing", event(b"null"), None),
    ("data-too-large", event(b" " * (MOST_DATA_BYTES + 1)), None),
    ("field-missing", event(enquiry(helpQuestion=None)), "helpQuestion"),
    ("field-invalid", event(enquiry(ageYears="8")), "ageYears"),
    ("field-invalid", event(enquiry(ageYears=8.0)), "ageYears"),
    ("field-invalid", event(enquiry(occurredOn="1704067200")), "occurredOn"),
    ("field-invalid", event(enquiry(occurredOn="2024-02-30")), "occurredOn"),
    ("field-invalid", event(enquiry(case="een naam")), "case"),
    ("field-invalid", event(b"[]"), None),
    ("field-invalid", event(b'{"a":1,"a":2}'), None),
    ("field-invalid", event(b'{"a":NaN}'), None),
    ("field-invalid", event(b"\xff\xfe"), None),
    ("field-invalid", event(b"[" * 60_000), None),
    ("field-unknown", event(enquiry(occurred_on="2023-01-01")), "occurred_on"),
    ("field-unknown", event(enquiry(minutes=5)), "minutes"),
    ("field-unknown", event(enquiry(SyntheticName=1)), None),
    ("bsn-not-allowed", event(enquiry(family=BSN)), "family"),
    ("bsn-not-allowed", event(enquiry(note=f"BSN {BSN}, graag bellen")), "note"),
    ("bsn-not-allowed", event(id=BSN), "id"),
    ("bsn-not-allowed", event(id=f"bsn:{BSN}"), "id"),
    ("bsn-not-allowed", event(id=f"{BSN}-2024"), "id"),
    ("bsn-not-allowed", event(subject=f"gezin {BSN}"), "subject"),
    ("attribute-invalid", event(id="Sam Verzonnen"), "id"),
    ("attribute-invalid", event(id="sam@verzonnen.nl"), "id"),
    ("attribute-invalid", event(id="x" * 129), "id"),
    ("attribute-invalid", event(id="event-1\n"), "id"),
    ("attribute-invalid", event(id=["x"]), "id"),
    ("code-unknown", event(enquiry(area="sam-verzonnen")), "area"),
    ("code-unknown", event(enquiry(channel="sam-verzonnen", ageYears="8")), "channel"),
    ("code-unknown", event(enquiry(helpQuestion="sam-verzonnen")), "helpQuestion"),
    ("field-invalid", event(corrected(segment=1001), type=CORRECTED), "segment"),
    ("code-unknown", event(corrected(referredTo=["youth-work", "sam"]), type=CORRECTED), "referredTo"),
    ("occurred-in-the-future", event(enquiry(occurredOn="2024-03-06")), "occurredOn"),
]


def verdict(sent: CloudEvent, today: date = TODAY) -> Verdict:
    return judge(SCHOOL, sent, today, PROGRAMMES)


def errors(found: Verdict) -> tuple[GateError, ...]:
    assert not isinstance(found, Accepted)
    return found.errors


@pytest.mark.parametrize(("code", "sent", "field"), CASES)
def test_what_is_wrong_gets_its_code_and_its_field(code: str, sent: CloudEvent, field: str | None) -> None:
    assert (code, field) in {(error.code, error.field) for error in errors(verdict(sent))}


def test_a_registration_outside_its_days_is_told_so() -> None:
    assert [error.code for error in errors(verdict(event(), date(2022, 12, 31)))] == [
        "outside-your-registration",
        "occurred-in-the-future",
    ]
    ended = partner(valid_until=TODAY)
    assert isinstance(judge(ended, event(), TODAY, PROGRAMMES), Accepted), "the last day counts"


def test_every_code_is_reached() -> None:
    by_the_doors = {"not-a-cloudevent", "outside-your-registration"}
    assert {code for code, _, _ in CASES} | by_the_doors == set(get_args(RejectionCode))


@pytest.mark.parametrize("data", [enquiry(), enquiry(occurredOn=TODAY.isoformat()), enquiry(note="tel. 0612345678")])
def test_a_sound_statement_is_accepted(data: Mapping[str, Any]) -> None:
    found = verdict(event(data))
    assert isinstance(found, Accepted)
    assert found.identity.source == SOURCE


@pytest.mark.parametrize("parameters", ["; charset=utf-8", ";charset=UTF-8", " ;x=1;y=2"])
def test_what_a_content_type_says_behind_json_is_no_obstacle(parameters: str) -> None:
    assert isinstance(verdict(event(datacontenttype=f"application/json{parameters}")), Accepted)


def test_a_uuid_is_no_burgerservicenummer() -> None:
    assert isinstance(verdict(event(id=f"0b{BSN}f-{BSN}0-aa")), Accepted)


def test_one_error_does_not_hide_another() -> None:
    sent = event(
        enquiry(ageYears="8", area=None, programme="no-such", occurredOn="2030-01-01", extra=1),
        specversion="2.0",
        datacontenttype="text/plain",
    )
    assert sorted(error.code for error in errors(verdict(sent))) == [
        "attribute-invalid",
        "attribute-invalid",
        "field-invalid",
        "field-missing",
        "field-unknown",
        "occurred-in-the-future",
        "programme-unknown",
    ]


@pytest.mark.parametrize(
    "change", [{"id": None}, {"id": ""}, {"id": 3}, {"id": "a\nb"}, {"source": None}, {"id": "x" * 201}]
)
def test_without_source_and_id_there_is_nothing_to_keep(change: dict[str, Any]) -> None:
    assert isinstance(verdict(event(**change)), Unattributable)


def test_another_partners_source_gives_no_outcome_under_its_name() -> None:
    assert isinstance(verdict(event(source="urn:nld:kvknr:12345678:systeem:x")), Unattributable)


def test_who_is_registered_for_what_nobody_defined_is_not_told_to_send_it() -> None:
    partner = SCHOOL.model_copy(update={"programmes": ("no-such",)})
    (error,) = errors(judge(partner, event(enquiry(programme="no-such")), TODAY, PROGRAMMES))
    assert (error.code, error.sentence) == ("programme-unknown", "Ask the gemeente to correct your registration.")


def test_a_name_that_is_nearly_right_is_recognised() -> None:
    (error,) = errors(verdict(event(enquiry(parentsName="x"))))
    assert "Did you mean `parentName`?" in error.sentence


def test_no_sentence_repeats_what_was_sent() -> None:
    secret = "SyntheticName"
    names = enquiry()
    for name in names:
        for value in (secret, [secret], {secret: secret}):
            found = verdict(event(names | {name: value, secret: secret}, subject=secret))
            assert secret not in str(found if not isinstance(found, Accepted) else "")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.binary(max_size=200), st.dictionaries(st.sampled_from([*attributes(), "subject", "x"]), json_values))
def test_whatever_bytes_come_there_is_a_verdict(data: bytes, given_attributes: dict[str, Any]) -> None:
    for sent in (CloudEvent(given_attributes, data), CloudEvent(attributes() | given_attributes, data)):
        assert isinstance(verdict(sent), Accepted | Rejected | Unattributable)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*enquiry(), "other"]), json_values))
def test_whatever_json_comes_there_is_a_verdict(changes: dict[str, Any]) -> None:
    found = verdict(event(enquiry() | changes))
    assert isinstance(found, Accepted | Rejected)
    assert isinstance(found, Accepted) or found.errors


def test_a_flood_of_errors_is_cut_off() -> None:
    found = verdict(event(enquiry(**{f"extra{number}": [] for number in range(3000)}, programme=["x"])))
    assert len(errors(found)) == 10


def test_only_the_first_unknown_name_is_guessed_and_no_long_one() -> None:
    guessed = [
        one.sentence for one in errors(verdict(event(enquiry(parentsName="x", notes="y")))) if "Did" in one.sentence
    ]
    assert len(guessed) == 1
    (error,) = errors(verdict(event(enquiry(**{"parentName" + "e" * 31: "x"}))))
    assert "Did you mean" not in error.sentence
