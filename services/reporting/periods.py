"""A period is a year, a month or a day, by the name it has in addresses: 2023, 2023-11, 2023-12-31."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import Self

_FORM = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")

MONTHS = (
    "januari",
    "februari",
    "maart",
    "april",
    "mei",
    "juni",
    "juli",
    "augustus",
    "september",
    "oktober",
    "november",
    "december",
)

MONTHS_SHORT = ("jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec")


@dataclass(frozen=True, slots=True)
class Period:
    """From `first` up to and including `last`."""

    name: str
    first: date
    last: date

    @classmethod
    def parse(cls, name: str) -> Self:
        """Raises ValueError where `name` is no year, month or day."""
        if (match := _FORM.fullmatch(name)) is None:
            raise ValueError("a period is a year (2023), a month (2023-11) or a day (2023-12-31)")
        year, month, day = (int(part) if part else None for part in match.groups())
        if year is None or year == 0:
            raise ValueError("there is no year 0")
        if day is not None:
            only = date(year, month or 1, day)
            return cls(name, only, only)
        if month is not None:
            return cls(name, date(year, month, 1), date(year, month, monthrange(year, month)[1]))
        return cls.of_year(year)

    @classmethod
    def of_year(cls, year: int) -> Self:
        return cls(str(year), date(year, 1, 1), date(year, 12, 31))

    @property
    def title(self) -> str:
        """In Dutch: 2023, november 2023, 31 december 2023."""
        if self.first == self.last:
            return dutch_day(self.first)
        return self.name if len(self.name) == 4 else f"{MONTHS[self.first.month - 1]} {self.first.year}"


def dutch_day(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def months_of(year: int) -> tuple[Period, ...]:
    return tuple(Period.parse(f"{year}-{month:02d}") for month in range(1, 13))
