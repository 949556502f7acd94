"""How numbers, days and the things of a case are written on the Dutch pages."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from schemas.case import (
    CaseAssigned,
    CaseClassified,
    CaseClosed,
    CaseContactLogged,
    CaseCorrected,
    CaseFirstContactMade,
    CaseOpened,
    CaseReopened,
    CaseVoided,
    ConsulentAnswered,
    ReferredToConsulent,
)
from schemas.programme import Programme
from services.reporting.indicators import Unit
from services.reporting.periods import dutch_day

_AMSTERDAM = ZoneInfo("Europe/Amsterdam")

UNITS = {
    Unit.CASE: ("casus", "casussen"),
    Unit.FAMILY: ("gezin", "gezinnen"),
    Unit.YOUTH: ("jeugdige", "jeugdigen"),
    Unit.SEGMENT: ("traject", "trajecten"),
    Unit.REFERRAL: ("verwijzing", "verwijzingen"),
}

EVENTS = {
    CaseOpened.type: "Casus geopend",
    CaseAssigned.type: "Gezinscoach toegewezen",
    CaseFirstContactMade.type: "Eerste gesprek gevoerd",
    CaseContactLogged.type: "Contact vastgelegd",
    CaseClassified.type: "Soort casus beoordeeld",
    ReferredToConsulent.type: "Verwezen naar de consulent",
    ConsulentAnswered.type: "Antwoord van de consulent",
    CaseClosed.type: "Casus afgesloten",
    CaseReopened.type: "Casus heropend",
    CaseVoided.type: "Registratie vervallen",
    CaseCorrected.type: "Registratie gecorrigeerd",
}


def known_then(known_on: str) -> str:
    """`op 30 april 2024`, or the position up to which the ledger counts."""
    if known_on.isdigit():
        return f"tot en met gebeurtenis {number(int(known_on))} van het grootboek"
    return f"op {dutch_day(date.fromisoformat(known_on))}"


_FIELDS = {
    "family": "Gezin",
    "youth": "Jeugdige",
    "ageYears": "Leeftijd",
    "area": "Wijk",
    "channel": "Verwijzing via",
    "helpQuestion": "Hulpvraag",
    "caseType": "Soort casus",
    "decision": "Beschikking",
    "coach": "Gezinscoach",
    "contact": "Contact",
    "minutes": "Minuten",
    "referral": "Verwijzing",
    "answer": "Antwoord",
    "reason": "Reden",
    "outcome": "Resultaat",
    "referredTo": "Verwezen naar",
    "openedOn": "Begonnen op",
    "closedOn": "Afgesloten op",
}
_SAID_ELSEWHERE = ("programme", "case", "segment")
_VOID_REASONS = {"registered-twice": "dubbel geregistreerd", "registered-by-mistake": "ten onrechte geregistreerd"}


def number(value: int | Decimal) -> str:
    """12.345 and 43,3."""
    return f"{value:,}".replace(",", " ").replace(".", ",").replace(" ", ".")


def percentage(value: Decimal | None) -> str:
    return "–" if value is None else f"{number(value)}%"


def moment(at: datetime) -> str:
    local = at.astimezone(_AMSTERDAM)
    return f"{dutch_day(local.date())}, {local:%H:%M:%S}"


def short_day(day: date) -> str:
    """22-1-2023, where days stand under one another."""
    return f"{day.day}-{day.month}-{day.year}"


def short(pseudonym: str) -> str:
    """Enough of a pseudonym to tell cases apart by eye; addresses carry all of it."""
    return pseudonym[:8]


def data_lines(programme: Programme, data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The data of an event with the titles of its codes; what stands elsewhere on the page is left out."""
    return [
        (_FIELDS.get(name, name), _said(programme, name, value))
        for name, value in data.items()
        if name not in _SAID_ELSEWHERE
    ]


def _said(programme: Programme, name: str, value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_said(programme, name, item) for item in value) or "nergens"
    if name == "ageYears":
        return "ongeboren" if value < 0 else f"{value} jaar"
    titles: dict[str, Mapping[str, str]] = {
        "area": programme.areas,
        "channel": programme.channels,
        "helpQuestion": programme.help_questions,
        "caseType": programme.case_types,
        "reason": {**programme.closing_reasons, **_VOID_REASONS},
        "outcome": programme.outcomes,
        "referredTo": programme.destinations,
        "answer": programme.consulent_answers,
    }
    return titles.get(name, {}).get(str(value), str(value))
