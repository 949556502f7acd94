"""The fold's decoder and the published classes read the same values from the same bytes."""

from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.case import FACTS, CaseContactLogged, CaseCorrected
from schemas.statement import EnquiryReceived
from schemas.submission import SubmissionApplied
from services.reporting.decoding import NotDecoded, decode_fact
from tests.schemas.made_up import events


@given(published=st.one_of([events(fact) for fact in FACTS]))
def test_both_decoders_read_the_same_value_from_every_fact(published: Any) -> None:
    assume(published.segment < 2**31)
    decoded: Any = decode_fact(published.type, published.encode())
    assert msgspec.structs.asdict(decoded) == dict(published)
    assert type(decoded).__name__ == type(published).__name__


@pytest.mark.parametrize("data", [b"{", b"\xff", b"[]", b'{"segment":"1"}', b'{"unknown":1}'])
def test_what_is_no_fact_of_its_type_is_refused(data: bytes) -> None:
    for fact in FACTS:
        with pytest.raises(NotDecoded):
            decode_fact(fact.type, data)


CONTACT = {"programme": "p", "case": "a" * 32, "segment": 1, "contact": "c" * 32, "minutes": 5}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"minutes": 1441}, "Expected `int` <= 1440 - at `$.minutes`"),
        ({"segment": 2**31}, "Expected `int` <= 2147483647 - at `$.segment`"),
        ({"contact": "c" * 501}, "Expected `str` of length <= 500 - at `$.contact`"),
        ({"case": "a\0b"}, "its data holds a NUL"),
        ({"Synthetische Naam": 1}, "its data does not fit: Object contains unknown field"),
    ],
)
def test_what_no_column_takes_is_refused_and_not_quoted(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(NotDecoded) as refused:
        decode_fact(CaseContactLogged.type, msgspec.json.encode(CONTACT | wrong))
    assert str(refused.value).endswith(said)


def test_a_correction_is_held_to_what_a_column_takes_too() -> None:
    data = msgspec.json.encode({"programme": "p", "case": "a" * 32, "segment": 1, "ageYears": 2**31})
    with pytest.raises(NotDecoded, match="ageYears"):
        decode_fact(CaseCorrected.type, data)


def test_an_answer_is_no_fact_and_a_statement_is_none_of_casework() -> None:
    assert decode_fact(SubmissionApplied.type, b"not looked at") is None
    with pytest.raises(NotDecoded, match="no such fact is published"):
        decode_fact(EnquiryReceived.type, b"{}")
