"""A leaf is made in a faster way than its definition, and is the same bytes."""

from datetime import UTC, date, datetime, timedelta, timezone

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from eventlog.ledger import LedgerId, Recorded
from tests.eventlog.making import recorded

texts = st.text(st.characters(exclude_categories=["Cs"]))
moments = st.datetimes(
    min_value=datetime(1000, 1, 2), max_value=datetime(9999, 12, 30),  # noqa: DTZ001 - hypothesis adds the zone
    timezones=st.integers(-12, 12).map(lambda hours: timezone(timedelta(hours=hours))),
)  # fmt: skip
events = st.builds(
    Recorded,
    ledger=st.builds(LedgerId, service=texts, gemeente=texts),
    position=st.integers(1, 2**63),
    stream=texts,
    version=st.integers(1, 2**31),
    type=texts,
    occurred_on=st.dates(),
    recorded_at=moments,
    partner=texts,
    correlation=texts,
    causation=texts,
    data=st.binary(),
    case=texts,
)


@given(events)
@example(recorded(1))
@example(Recorded(LedgerId("a", "b"), 1, "", 1, "", date.min, datetime(2023, 5, 8, tzinfo=UTC), "", "", "", b""))
def test_a_leaf_is_its_attributes_as_canonical_json_and_its_data(event: Recorded) -> None:
    assert event.leaf() == msgspec.json.encode(event.attributes()) + b"\n" + event.data
    assert list(event.attributes()) == sorted(event.attributes())
