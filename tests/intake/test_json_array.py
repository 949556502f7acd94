"""A batch is divided into its items without reading what is in them, and no further than is asked."""

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake import bindings, json_array

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.lists(values, max_size=5), st.sampled_from([None, 2]), st.booleans())
def test_the_items_are_those_of_the_array(sent: list[object], indent: int | None, ascii_only: bool) -> None:
    body = json.dumps(sent, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    found = [json.dumps(json.loads(item.decode("utf-8", "surrogatepass"))) for item in json_array.items(body)]
    assert found == [json.dumps(one) for one in sent]


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[", b"[1", b"[1,", b"[1,]", b"[,1]", b"[1 2]", b"[1]]", b"[] x", b"7", b"[" * 100_000]
)
def test_what_is_no_array_is_told_from_one(body: bytes) -> None:
    with pytest.raises(json_array.NotAnArray):
        list(json_array.items(body))


def test_one_bad_item_does_not_take_the_others_along() -> None:
    bad = [b"7", b'{"id":"\xff"}', b'{"id":' + b"9" * 5000 + b"}", b'{"a":1,"a":2}', b'{"a":"\n"}', b"NaN"]
    found = list(bindings.batch(b"[" + b",".join([*bad, b'{"id":"1"}']) + b"]"))
    assert [isinstance(one, bindings.NotACloudEvent) for one in found] == [True] * len(bad) + [False]


def test_a_batch_of_millions_costs_no_more_than_its_text() -> None:
    body = b"[" + b"1," * 1_000_000 + b"1]"
    tracemalloc.start()
    try:
        with pytest.raises(bindings.NotACloudEvent, match="at most 1000"):
            bindings.batch(body)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(body)
    finally:
        tracemalloc.stop()
