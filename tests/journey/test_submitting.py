"""A file goes in large batches of one sender each, and no event passes another of its own case."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.bindings import MOST_BATCH_BYTES, MOST_IN_BATCH
from services.submitting import SubmitError, _batches, client_at

events = st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from("ABC")), max_size=40)


@given(events)
def test_each_case_keeps_its_order_and_nothing_is_left_out(sent: list[tuple[str, str]]) -> None:
    lines: list[dict[str, Any]] = [
        {"source": source, "data": {"case": case}, "id": n} for n, (source, case) in enumerate(sent)
    ]
    batches = [(source, list(map(msgspec.json.decode, batch))) for source, batch in _batches(lines)]
    assert all({event["source"] for event in batch} == {source} for source, batch in batches)
    arrived = [event for _, batch in batches for event in batch]
    assert sorted(event["id"] for event in arrived) == list(range(len(lines)))
    for case in "ABC":
        order = [event["id"] for event in arrived if event["data"]["case"] == case]
        assert order == sorted(order)


def test_a_batch_is_no_longer_than_the_door_takes() -> None:
    note = "n" * 10_000
    lines = [{"source": "x", "data": {"case": str(n % 7), "note": note}, "id": n} for n in range(MOST_IN_BATCH)]
    lines.append({"source": "x", "data": {"case": "7", "note": "n" * MOST_BATCH_BYTES}, "id": MOST_IN_BATCH})
    batches = [batch for _, batch in _batches(lines)]
    assert [len(batch) for batch in batches][1:] == [MOST_IN_BATCH - len(batches[0]), 1]
    assert all(len(b"[" + b",".join(batch) + b"]") <= MOST_BATCH_BYTES for batch in batches[:2])
    assert [msgspec.json.decode(event)["id"] for batch in batches for event in batch] == list(range(len(lines)))


@pytest.mark.parametrize("url", ["localhost:8080", "garbage", "http://", "http://localhost:80x0"])
def test_what_is_no_address_is_said_before_anything_is_sent(url: str) -> None:
    with pytest.raises(SubmitError, match="is no address"):
        client_at(url)
