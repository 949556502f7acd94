"""A file goes in large batches of one sender each, and no event passes another of its own case."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.submitting import _batches

events = st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from("ABC")), max_size=40)


@given(events)
def test_each_case_keeps_its_order_and_nothing_is_left_out(sent: list[tuple[str, str]]) -> None:
    lines: list[dict[str, Any]] = [
        {"source": source, "data": {"case": case}, "id": n} for n, (source, case) in enumerate(sent)
    ]
    batches = list(_batches(lines))
    assert all({event["source"] for event in batch} == {source} for source, batch in batches)
    arrived = [event for _, batch in batches for event in batch]
    assert sorted(event["id"] for event in arrived) == list(range(len(lines)))
    for case in "ABC":
        order = [event["id"] for event in arrived if event["data"]["case"] == case]
        assert order == sorted(order)
