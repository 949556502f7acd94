"""The base of every event's data: immutable, closed to unknown fields, with one canonical form in bytes."""

from datetime import date
from typing import Annotated, ClassVar, Self

import msgspec
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

NAMESPACE = "nl.overheid.jeugdzaken."
"""Reverse-DNS namespace of every event type (NL GOV profile for CloudEvents: domain, plural, no organisation)."""

Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
"""A value from one of a programme's lists: lower-case words joined by hyphens."""

Gemeente = Annotated[str, StringConstraints(pattern=r"^GM[0-9]{4}$")]
"""A municipality by its CBS code, such as GM0984."""

Pseudonym = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""A partner's reference after the gate."""

Day = Annotated[date, Field(description="A calendar day in Europe/Amsterdam.")]

AgeYears = Annotated[
    int,
    Field(
        ge=-1, le=120, description="Age in whole years on that day; -1 for an unborn child. No date of birth is asked."
    ),
]

SYNTHETIC_PREFIX = "synthetic-"
"""Partners whose id starts so have no real families behind them; every page says so."""

SubmissionId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""The first 32 hexadecimal digits of SHA-256 over the CloudEvent's source, a line feed, and its id."""


class Record(BaseModel):
    """Fields and nothing else; nobody can change one once it is made, and an unknown field is an error.

    Names are snake_case in Python and camelCase in JSON (NL GOV API Design Rules). An error never quotes the value: it
    may be about a family.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )


class Event(Record):
    """The data of one event. `type` is its name on the wire and in the ledger, for ever."""

    type: ClassVar[str]

    def encode(self) -> bytes:
        """The canonical bytes (RFC 8785): names sorted, no white space; absent fields are left out.

        Events hold no floating-point numbers, so compact JSON with sorted names is the canonical form; a test holds
        this against an independent RFC 8785 encoder.
        """
        return msgspec.json.encode(self.model_dump(mode="json", exclude_none=True), order="sorted")

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The event whose canonical bytes are `data`; raises pydantic.ValidationError where they do not fit."""
        return cls.model_validate_json(data)
