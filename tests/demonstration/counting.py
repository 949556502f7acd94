"""Counts of cases made from the submissions' JSON alone, with no code of casework or reporting."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

PREFIX = "nl.overheid.jeugdzaken."


@dataclass
class Counted:
    """One segment as it is known after every submission."""

    case: str
    opened_on: date
    said: dict[str, Any]
    closed_on: date | None = None
    case_type: str = "regular"
    assessed_on: date | None = None
    voided: bool = False
    contacts: list[tuple[date, int]] = field(default_factory=list)

    def active(self, year: int) -> bool:
        return self.opened_on <= date(year, 12, 31) and (self.closed_on is None or self.closed_on >= date(year, 1, 1))

    def open_on(self, day: date) -> bool:
        return self.opened_on <= day and (self.closed_on is None or self.closed_on > day)

    def closed_in(self, year: int) -> bool:
        return self.closed_on is not None and self.closed_on.year == year

    @property
    def within_six_months(self) -> bool:
        """Closed on the same day of the month half a year later, or before."""
        assert self.closed_on is not None
        months = (self.closed_on.year - self.opened_on.year) * 12 + self.closed_on.month - self.opened_on.month
        return months < 6 or (months == 6 and self.closed_on.day <= self.opened_on.day)


def count(events: Iterable[dict[str, Any]], until: str = "9999") -> list[Counted]:
    """The segments after every submission sent before `until`, the voided ones left out."""
    cases: dict[str, list[Counted]] = {}
    seen: set[tuple[str, str]] = set()
    for event in events:
        if event["time"] < until and (event["source"], event["id"]) not in seen:
            seen.add((event["source"], event["id"]))
            _take_in(cases, event["type"].removeprefix(PREFIX), event["data"])
    return [one for segments in cases.values() for one in segments if not one.voided]


def number(segments: Iterable[Counted], holds: Callable[[Counted], bool]) -> int:
    return sum(1 for one in segments if holds(one))


def cases(segments: Iterable[Counted], holds: Callable[[Counted], bool]) -> int:
    """The number of cases that have a segment for which it holds."""
    return len({one.case for one in segments if holds(one)})


def new_in(segments: Iterable[Counted], year: int) -> list[Counted]:
    return [one for one in segments if one.opened_on.year == year]


def closed_in(segments: Iterable[Counted], year: int) -> list[Counted]:
    return [one for one in segments if one.closed_in(year)]


def percentage(part: int, whole: int) -> int:
    return (200 * part + whole) // (2 * whole)


def _take_in(cases: dict[str, list[Counted]], verb: str, data: dict[str, Any]) -> None:
    day = date.fromisoformat(data["occurredOn"])
    segments = cases.setdefault(data["case"], [])
    match verb:
        case "enquiry.received.v1" | "support.resumed.v1":
            assert verb.startswith("support") == bool(segments)
            segments.append(Counted(data["case"], day, dict(data)))
        case "support.ended.v1":
            segments[-1].closed_on = day
            segments[-1].said |= {name: data[name] for name in ("reason", "outcome")}
        case "case-type.assessed.v1":
            segments[-1].case_type, segments[-1].assessed_on = data["caseType"], day
        case "contact.logged.v1":
            segments[-1].contacts.append((day, data["minutes"]))
        case "registration.voided.v1":
            for segment in segments:
                segment.voided = True
        case "registration.corrected.v1":
            _correct(segments[data["segment"] - 1], data)


def _correct(segment: Counted, data: dict[str, Any]) -> None:
    if "openedOn" in data:
        segment.opened_on = date.fromisoformat(data["openedOn"])
    if "closedOn" in data:
        segment.closed_on = date.fromisoformat(data["closedOn"])
    segment.said |= {name: data[name] for name in ("ageYears", "area", "channel", "reason") if name in data}
