"""The table of every event type ever published, by its name on the wire."""

from schemas.case import FACTS
from schemas.event import Event
from schemas.statement import STATEMENTS
from schemas.submission import ANSWERS

EVENTS: dict[str, type[Event]] = {event.type: event for event in (*STATEMENTS, *ANSWERS, *FACTS)}


class UnknownEventType(LookupError):
    """No published event has this type name; the writer of the ledger or the version of this reader is wrong."""


def decode(event_type: str, data: bytes) -> Event:
    """The event of `event_type` whose bytes are `data`; raises UnknownEventType or pydantic.ValidationError."""
    if (event := EVENTS.get(event_type)) is None:
        raise UnknownEventType(f"{event_type}: no such event type is published")
    return event.decode(data)
