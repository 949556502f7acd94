"""The headers of a message on Kafka: CloudEvents attributes in binary mode, and a partner's signature."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Header:
    name: str
    schema: dict[str, Any]
    required: bool = True


def _text(description: str, **keywords: Any) -> dict[str, Any]:
    return {"type": "string", **keywords, "description": description}


SIGNATURE = Header(
    "signature",
    _text(
        "Ed25519 over the lines `name:value` of every ce_* header, sorted by name and each ended by a line feed, and"
        " then the value of the message; base64. No header holds a line feed and no name a colon. A structured message"
        " has no ce_* header: it signs its value alone.",
        pattern="^[A-Za-z0-9+/]{86}==$",
    ),
)

_SHORT = {"minLength": 1, "maxLength": 200}
_CLOUDEVENT = (
    Header("ce_specversion", {"const": "1.0"}),
    Header("ce_id", _text("With ce_source the identity of the event: the same twice is the same event.", **_SHORT)),
    Header("ce_source", _text("The system that says it, such as urn:nld:oin:<OIN>:systeem:<naam>.", **_SHORT)),
    Header("ce_type", _text("What it says, and in which version.")),
)

STATEMENT = (
    *_CLOUDEVENT,
    Header("ce_time", _text("When your system logged it; RFC 3339.", format="date-time"), required=False),
    Header("ce_subject", _text("Not used; never personal data.", minLength=1), required=False),
    SIGNATURE,
)
"""What a partner's binary message carries."""

RECORDED = (
    *_CLOUDEVENT,
    Header("ce_subject", _text("The stream in the ledger; of an answer, the submission.", minLength=1)),
    Header("ce_time", _text("When we recorded it, in UTC.", format="date-time")),
    Header("ce_sequence", _text("The position in the ledger of the gemeente.", pattern="^[0-9]+$")),
    Header("ce_streamversion", _text("The position in the stream, from 1.", pattern="^[0-9]+$")),
    Header("ce_occurredon", _text("The day it happened, in Europe/Amsterdam.", format="date")),
    Header("ce_gemeente", _text("The gemeente by its CBS code.", pattern="^GM[0-9]{4}$")),
    Header("ce_partner", _text("The partner that stated it; `synthetic-…` is made up.", minLength=1)),
    Header("ce_correlationid", _text("The submission that all of it came from.")),
    Header("ce_causationid", _text("The event that this one came from.")),
    Header("ce_caseid", _text("The case it is about, by its pseudonym.", pattern="^[0-9a-f]{32}$"), required=False),
)
"""What every event of our own ledgers carries."""


def headers(described: tuple[Header, ...]) -> dict[str, Any]:
    """The JSON Schema of a message's headers; others may be present."""
    return {
        "type": "object",
        "properties": {header.name: header.schema for header in described},
        "required": [header.name for header in described if header.required],
    }
