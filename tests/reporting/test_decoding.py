"""The fold's decoder and the published classes read the same values from the same bytes."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.case import FACTS
from schemas.statement import EnquiryReceived
from schemas.submission import SubmissionApplied
from services.reporting.decoding import NotDecoded, decode_fact
from tests.schemas.made_up import events


@given(published=st.one_of([events(fact) for fact in FACTS]))
def test_both_decoders_read_the_same_value_from_every_fact(published: Any) -> None:
    decoded: Any = decode_fact(published.type, published.encode())
    assert msgspec.structs.asdict(decoded) == dict(published)
    assert type(decoded).__name__ == type(published).__name__


@pytest.mark.parametrize("data", [b"{", b"\xff", b"[]", b'{"segment":"1"}', b'{"unknown":1}'])
def test_what_is_no_fact_of_its_type_is_refused(data: bytes) -> None:
    for fact in FACTS:
        with pytest.raises(NotDecoded):
            decode_fact(fact.type, data)


def test_an_answer_is_no_fact_and_a_statement_is_none_of_casework() -> None:
    assert decode_fact(SubmissionApplied.type, b"not looked at") is None
    with pytest.raises(NotDecoded, match="no such fact is published"):
        decode_fact(EnquiryReceived.type, b"{}")
