"""What the declaration of an indicator says, and the hash that a published version is known by."""

import hashlib
from enum import StrEnum
from typing import Annotated, Self

import msgspec
from pydantic import Field, model_validator

from schemas.event import Code, Record
from services.reporting.indicators.dimensions import DIMENSIONS, DURATION_BANDS

DimensionName = Annotated[str, Field(pattern=r"^[a-z]+(_[a-z]+)*$")]


class Unit(StrEnum):
    """What is counted; two things of one unit count once."""

    CASE = "case"
    FAMILY = "family"
    YOUTH = "youth"
    SEGMENT = "segment"
    REFERRAL = "referral"


class Kind(StrEnum):
    """A stock is the state at the end of the last day of a period; a flow is what happened in it."""

    STOCK = "STOCK"
    FLOW = "FLOW"


class Measure(StrEnum):
    """Which segments belong to a period P (first … last day); voided segments belong to none.

    A segment is open on day t when opened_on <= t and it is not closed or closed_on > t: a day is seen at its end.
    """

    OPENED = "opened"
    """opened_on in P."""
    REOPENED = "reopened"
    """opened_on in P, and it is not the first segment of its case."""
    CLOSED = "closed"
    """closed_on in P."""
    CLOSED_WITHIN_SIX_MONTHS = "closed-within-six-months"
    """closed_on in P, at most six calendar months after opened_on."""
    REFERRED_ON_CLOSING = "referred-on-closing"
    """closed_on in P, and referred to at least one other organisation."""
    OPEN_AT_START = "open-at-start"
    """Open on the day before P's first day."""
    OPEN_AT_END = "open-at-end"
    """Open on P's last day."""
    ACTIVE = "active"
    """opened_on <= P's last day, and it is not closed or closed_on >= P's first day."""
    REFERRED_TO_CONSULENT = "referred-to-consulent"
    """A referral to the gemeente's consulent was made in P."""
    CONSULENT_ANSWERED = "consulent-answered"
    """The consulent answered a referral in P."""


class Selection(Record):
    """The segments (or referrals) of a period that count. `where` keeps those with one of the values of a dimension."""

    measure: Measure
    where: dict[DimensionName, tuple[Code, ...]] = Field(default_factory=dict)


class Indicator(Record):
    """One version of one way to count. Without a denominator its value is a count, with one it is a share.

    `parts` names the dimension whose values a share divides: the numerator counts one value, the denominator all.
    """

    id: Code
    version: Annotated[int, Field(ge=1)]
    title: str
    explanation: Annotated[str, Field(description="Dutch, for the reader of the figure: what is counted and what not.")]
    chapter: Annotated[str, Field(description="The heading of the evaluation that it stands under.")]
    unit: Unit
    kind: Kind
    numerator: Selection
    denominator: Selection | None = None
    parts: DimensionName | None = None
    dimensions: tuple[DimensionName, ...]
    source: Annotated[tuple[str, ...], Field(min_length=1, description="Who asks for it: seed lines, contract id.")]

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        named = {*self.dimensions, *self.numerator.where, *(self.denominator.where if self.denominator else ())}
        if unknown := named - DIMENSIONS.keys():
            raise ValueError(f"{self.id}: no such dimension: {', '.join(sorted(unknown))}")
        if self.parts is not None and (self.denominator is None or self.parts not in self.dimensions):
            raise ValueError(f"{self.id}: parts needs a denominator, and {self.parts} among the dimensions")
        if (self.kind is Kind.STOCK) != (self.numerator.measure in (Measure.OPEN_AT_START, Measure.OPEN_AT_END)):
            raise ValueError(f"{self.id}: a stock, and no flow, is open at the start or the end of a period")
        return self

    @property
    def hash(self) -> str:
        """SHA-256 over the canonical JSON of all that decides the number and how it is explained."""
        said = self.model_dump(mode="json", exclude_none=True)
        if "duration" in self.dimensions:
            said["durationBands"] = DURATION_BANDS
        return hashlib.sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()
