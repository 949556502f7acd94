"""The days on which partners work: no weekends, no Dutch public holidays."""

from bisect import bisect_left, bisect_right
from calendar import monthrange
from datetime import date, timedelta
from functools import cache
from random import Random


def add_months(day: date, months: int) -> date:
    """The same day of the month `months` later, or that month's last day where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def working_days(first: date, last: date) -> list[date]:
    """Every working day from `first` up to and including `last`, in order."""
    days = _all_working_days()
    return days[bisect_left(days, first) : bisect_right(days, last)]


def some_working_day(random: Random, first: date, last: date) -> date | None:
    """One of the working days from `first` to `last`; None where there is none."""
    days = working_days(first, last)
    return random.choice(days) if days else None


def some_day_after(random: Random, day: date, at_least: int, at_most: int) -> date:
    """A working day from `at_least` to `at_most` days after `day`, or the first one after those."""
    first, last = day + timedelta(days=at_least), day + timedelta(days=at_most)
    return some_working_day(random, first, last) or working_days(first, first + timedelta(days=9))[0]


def is_working_day(day: date) -> bool:
    return day.weekday() < 5 and day not in _public_holidays(day.year)


@cache
def _all_working_days() -> list[date]:
    first, last = date(2015, 1, 1), date(2049, 12, 31)
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in days if is_working_day(day)]


@cache
def _public_holidays(year: int) -> frozenset[date]:
    easter = _easter(year)
    moving = (easter + timedelta(days=days) for days in (1, 39, 50))
    fixed = (date(year, month, day) for month, day in ((1, 1), (4, 27), (12, 25), (12, 26)))
    return frozenset((*moving, *fixed))


def _easter(year: int) -> date:
    # The Gregorian computus as published by Meeus, Jones and Butcher.
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    correction = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * correction) // 451
    month, day = divmod(h + correction - 7 * m + 114, 31)
    return date(year, month, day + 1)
