"""The bytes of an event are the canonical ones (RFC 8785), and they are the event."""

import json

import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.event import Event
from schemas.registry import EVENTS, UnknownEventType, decode
from tests.schemas.made_up import events

EVERY_TYPE = pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS.keys())
A_FEW = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))


@EVERY_TYPE
@A_FEW
@given(data=st.data())
def test_the_bytes_are_those_of_an_independent_encoder_and_give_the_event_back(
    event: type[Event], data: st.DataObject
) -> None:
    made_up = data.draw(events(event))

    written = made_up.encode()

    assert written == rfc8785.dumps(json.loads(written))
    assert decode(event.type, written) == made_up


def test_a_type_that_was_never_published_is_named() -> None:
    with pytest.raises(UnknownEventType, match=r"case\.imagined\.v1"):
        decode("nl.overheid.jeugdzaken.case.imagined.v1", b"{}")
