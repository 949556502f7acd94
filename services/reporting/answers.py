"""The forms in which the API answers."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

import msgspec
from pydantic import Field
from sqlalchemy import Row

from eventlog.ledger import LedgerId, Recorded
from schemas.event import Record
from services.reporting.indicators import DIMENSIONS, Indicator
from services.reporting.reader import SOURCE
from services.reporting.snapshot import Figure


class Definition(Indicator):
    """An indicator with the hash that its published version is known by."""

    hash_: str = Field(alias="hash", description="SHA-256 over the canonical JSON of the definition.")

    @classmethod
    def of(cls, indicator: Indicator) -> "Definition":
        return cls.model_validate({**indicator.model_dump(by_alias=False), "hash": indicator.hash})


class Definitions(Record):
    indicators: tuple[Definition, ...]


class LedgerAnswer(Record):
    """The figure counts this ledger up to and including position `size`."""

    name: str
    size: int
    held_cases: int = Field(description="Of so many cases it counts nothing from an event on that could not be read.")


class FigureAnswer(Record):
    """`value` is `numerator` for a count; for a share the percentage to one decimal, null over nothing."""

    programme: str
    period: str
    cut: dict[str, str]
    as_known_on: str | None = Field(description="What was recorded later does not count; null counts all there is.")
    value: float | int | None
    percentage: bool
    numerator: int
    denominator: int | None
    definition: Definition
    ledger: LedgerAnswer
    synthetic: bool = Field(description="Whether a partner contributed that exists in a demonstration only.")
    links: dict[str, str]


class SegmentAnswer(Record):
    """One thing that a figure counts, by its last segment; `segments` is how many of its segments matched."""

    case: str
    segment: int
    segments: int
    family: str
    youth: str | None
    partner: str
    area: str
    channel: str
    help_question: str
    age_band: str | None
    case_type: str
    opened_on: date
    closed_on: date | None
    reason: str | None
    outcome: str | None
    referred_to: tuple[str, ...]
    links: dict[str, str]


class SegmentsAnswer(Record):
    """A page of the things that a figure counts; `total` is the figure's own number."""

    total: int
    page: int
    page_size: int
    segments: tuple[SegmentAnswer, ...]
    links: dict[str, str]


class EventAnswer(Record):
    """One event: its identity, its CloudEvents attributes, and its data as stored."""

    ledger: str
    position: int
    envelope: dict[str, str]
    data: dict[str, Any]


class EventsAnswer(Record):
    case: str
    segment: int
    synthetic: bool
    held: bool = Field(description="Whether later events of the case are held, and are not among these.")
    events: tuple[EventAnswer, ...]


def figure_answer(figure: Figure, links: dict[str, str]) -> FigureAnswer:
    question, value = figure.question, figure.value
    share = figure.denominator is not None
    return FigureAnswer(
        programme=question.programme.id,
        period=question.period.name,
        cut={DIMENSIONS[name].parameter: code for name, code in question.cut.items()},
        as_known_on=question.known_on,
        value=None if value is None else float(value) if share else int(value),
        percentage=share,
        numerator=figure.numerator,
        denominator=figure.denominator,
        definition=Definition.of(question.indicator),
        ledger=LedgerAnswer(name=figure.ledger.name, size=figure.ledger.size, held_cases=figure.ledger.held_cases),
        synthetic=figure.synthetic,
        links=links,
    )


def segment_answer(row: Row[Any], known_on: str | None) -> SegmentAnswer:
    found = row._asdict()
    taken = {
        name: found[name] for name in SegmentAnswer.model_fields if name in found and name not in ("case", "links")
    }
    words = f"?{urlencode({'asKnownOn': known_on})}" if known_on else ""
    links = {"events": f"/v1/cases/{row.case_id}/segments/{row.segment}/events{words}"}
    return SegmentAnswer(case=row.case_id, links=links, **taken)


def event_answer(row: Row[Any]) -> EventAnswer:
    event = as_recorded(row)
    return EventAnswer(
        ledger=str(event.ledger),
        position=event.position,
        envelope=event.attributes(),
        data=msgspec.json.decode(event.data),
    )


def as_recorded(row: Row[Any]) -> Recorded:
    """The event as casework's ledger holds it."""
    return Recorded(
        ledger=LedgerId(SOURCE, row.gemeente),
        position=row.position,
        stream=f"case-{row.case_id}",
        version=row.version,
        type=row.type,
        occurred_on=row.occurred_on,
        recorded_at=row.recorded_at,
        partner=row.partner,
        correlation=row.correlation,
        causation=row.causation,
        data=row.data,
        case=row.case_id,
    )
