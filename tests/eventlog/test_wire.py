"""An event survives the bus unchanged, and whatever is not an event of ours is told apart."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlog.errors import UnreadableRecord
from eventlog.ledger import LedgerId, Recorded
from eventlog.wire import Incoming, Outgoing, by_ledger, outgoing, recorded
from tests.eventlog import making

names = st.from_regex(r"[a-z0-9/.-]{1,20}", fullmatch=True)
events = st.builds(
    Recorded,
    ledger=st.builds(
        LedgerId, st.sampled_from(["intake", "casework", "reporting"]), st.from_regex(r"GM[0-9]{4}", fullmatch=True)
    ),
    position=st.integers(1, 2**62),
    stream=names,
    version=st.integers(1, 2**31),
    type=names,
    occurred_on=st.dates(date(1900, 1, 1)),
    recorded_at=st.datetimes(datetime(1970, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - Hypothesis adds it
    partner=names,
    correlation=names,
    causation=names,
    data=st.binary(),
    case=st.from_regex(r"([0-9a-f]{32})?", fullmatch=True),
)


WHOLE = outgoing(making.recorded(position=1)).headers


def arrived(record: Outgoing) -> Incoming:
    return Incoming(record.topic, 0, 7, record.key, record.headers, record.value)


@given(events)
def test_an_event_comes_back_as_it_went(event: Recorded) -> None:
    assert recorded(arrived(outgoing(event))) == event


def test_key_and_headers_follow_the_cloudevents_binding() -> None:
    record = outgoing(making.recorded(position=42))
    headers = dict(record.headers)
    assert (record.topic, record.key) == ("casework.events", b"GM0984")
    assert headers["ce_source"] == b"urn:nld:gemeente:GM0984:systeem:spoorboek-casework"
    assert headers["ce_id"] == b"42"
    assert headers["ce_sequence"] == b"00000000000000000042"
    assert headers["content-type"] == b"application/json"


@pytest.mark.parametrize("missing", ["ce_sequence", "ce_subject", "ce_time", "ce_source", "ce_gemeente"])
def test_a_record_without_an_attribute_is_not_ours(missing: str) -> None:
    record = arrived(outgoing(making.recorded(position=1)))
    headers = [(name, value) for name, value in record.headers if name != missing]
    with pytest.raises(UnreadableRecord, match=r"casework.events\[0\]@7"):
        recorded(replace(record, headers=headers))


@pytest.mark.parametrize(
    "change",
    [
        {"value": None},
        {"topic": "intake.events"},
        {"topic": "x"},
        {"headers": []},
        {"headers": [("ce_id", b"\xff")]},
        {"headers": [*WHOLE, WHOLE[-1]]},
        {"headers": [(name, None) for name, _ in WHOLE]},
    ],
)
def test_a_record_of_another_form_is_not_ours(change: dict[str, object]) -> None:
    with pytest.raises(UnreadableRecord):
        recorded(replace(arrived(outgoing(making.recorded(position=1))), **change))  # type: ignore[arg-type]


def test_what_a_relay_sent_again_is_there_once() -> None:
    positions = [1, 2, 3, 1, 2, 3, 4]
    (events,) = by_ledger(making.recorded(position) for position in positions).values()
    assert [event.position for event in events] == [1, 2, 3, 4]
