"""A ledger's event as a Kafka record and back: CloudEvents in binary mode, the data as stored and never re-written."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from eventlog.errors import UnreadableRecord
from eventlog.ledger import SERVICES, LedgerId, Recorded

_CONTENT_TYPE = "content-type"
_PREFIX = "ce_"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record about to be published. The key is the gemeente: it keeps the order and says nothing of a person."""

    topic: str
    key: bytes
    headers: list[tuple[str, bytes]]
    value: bytes


Unread = Literal["not-readable", "gone-from-topic"]
"""Why there is nothing of a record: the client library cannot read it, or the topic no longer has it."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A record as the broker delivered it; nothing of it has been looked at yet.

    Kafka knows headers that are there twice, and headers without a value. `unread` is empty where it was read.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    value: bytes | None
    unread: Unread | Literal[""] = ""


def events_topic(service: str) -> str:
    return f"{service}.events"


def cloudevent_headers(attributes: Mapping[str, str]) -> list[tuple[str, bytes]]:
    """CloudEvents Kafka binding, binary mode: `ce_` before each attribute, the content type as `content-type`."""
    headers = [(_PREFIX + name, value.encode()) for name, value in attributes.items() if name != "datacontenttype"]
    return [*headers, (_CONTENT_TYPE, attributes["datacontenttype"].encode())]


def incoming(record: Any) -> Incoming:
    """A client library's record as ours."""
    return Incoming(record.topic, record.partition, record.offset, record.key, record.headers, record.value)


def outgoing(event: Recorded) -> Outgoing:
    return Outgoing(
        topic=events_topic(event.ledger.service),
        key=event.ledger.gemeente.encode(),
        headers=cloudevent_headers(event.attributes()),
        value=event.data,
    )


def recorded(record: Incoming) -> Recorded:
    """The event that `outgoing` made this record of; raises UnreadableRecord, which names topic and offset."""
    where = f"{record.topic}[{record.partition}]@{record.offset}"
    if record.value is None:
        raise UnreadableRecord(f"{where}: no data")
    try:
        attributes = {name.removeprefix(_PREFIX): (value or b"").decode() for name, value in record.headers}
        if len(attributes) != len(record.headers):
            raise ValueError("an attribute is there twice")
        service = record.topic.removesuffix(".events")
        event = Recorded(
            ledger=LedgerId(service, attributes["gemeente"]),
            position=int(attributes["sequence"]),
            stream=attributes["subject"],
            version=int(attributes["streamversion"]),
            type=attributes["type"],
            occurred_on=date.fromisoformat(attributes["occurredon"]),
            recorded_at=datetime.fromisoformat(attributes["time"]),
            partner=attributes["partner"],
            correlation=attributes["correlationid"],
            causation=attributes["causationid"],
            data=record.value,
            case=attributes.get("caseid", ""),
        )
    except (KeyError, ValueError) as error:
        raise UnreadableRecord(f"{where}: not an event of a ledger of ours ({type(error).__name__})") from error
    if service not in SERVICES or event.ledger.source != attributes.get("source"):
        raise UnreadableRecord(f"{where}: its source is not the ledger that this topic carries")
    return event


def by_ledger(events: Iterable[Recorded]) -> dict[LedgerId, list[Recorded]]:
    """The events of each ledger, in the order in which they came; what a publisher sent again is there once."""
    grouped: dict[LedgerId, list[Recorded]] = {}
    for event in events:
        had = grouped.setdefault(event.ledger, [])
        if not had or event.position > had[-1].position:
            had.append(event)
    return grouped
