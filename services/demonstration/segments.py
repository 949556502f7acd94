"""When support opens and ends: segments drawn at random, then moved until every year's totals are exact."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from services.demonstration.targets import SPECIALS, Special, Year
from services.demonstration.workdays import add_months, some_working_day, working_days

REGULAR, PILOT_FLAME, COMPLEX = "regular", "pilot-flame", "complex-intensive"
SHORT_MONTHS = 6
_SHORTEST_DAYS = 35
_LONGEST_DAYS = 1000
_SHARE_SHORT = 53
_LONG_DAYS = ((300, 45), (450, 30), (700, 18), (_LONGEST_DAYS, 7))
"""Upper ends of the longer durations, in days, with their weights."""


_SPECIAL_DAYS = {PILOT_FLAME: (470, 900), COMPLEX: (120, 270)}
"""A waakvlam lasts a year at least (seed 001, line 446), after some weeks of regular support."""


@dataclass(slots=True)
class Segment:
    """One stretch of support: the days it opens and ends, and the choices made for it later on."""

    opened_on: date
    closed_on: date
    channel: str = ""
    age_years: int = 0
    case_type: str = REGULAR
    reason: str = "as-planned"

    @property
    def short(self) -> bool:
        """Whether it ends within six calendar months."""
        return self.closed_on <= add_months(self.opened_on, SHORT_MONTHS)

    @property
    def days_open(self) -> int:
        return (self.closed_on - self.opened_on).days


def draw_closing(random: Random, opened_on: date) -> date:
    """A day of closing: just over half within six months, the others with a long tail."""
    six_months_on = add_months(opened_on, SHORT_MONTHS)
    if random.randrange(100) < _SHARE_SHORT:
        return random.choice(working_days(opened_on + timedelta(days=_SHORTEST_DAYS), six_months_on))
    ends, weights = zip(*_LONG_DAYS, strict=True)
    end = random.choices(ends, weights)[0]
    return random.choice(working_days(six_months_on + timedelta(days=1), opened_on + timedelta(days=end)))


def carried_over(random: Random, count: int, first_day: date) -> list[Segment]:
    """The segments that opened in the two years before `first_day` and were still open at its start."""
    candidates = working_days(add_months(first_day, -22), first_day - timedelta(days=5))
    carried: list[Segment] = []
    while len(carried) < count:
        opened_on = random.choice(candidates)
        closed_on = draw_closing(random, opened_on)
        if closed_on >= first_day:
            carried.append(Segment(opened_on, closed_on))
    return carried


def opened_in(random: Random, year: Year) -> Iterator[Segment]:
    """The year's new segments, month by month as the targets say."""
    for month, count in enumerate(year.new_by_month, start=1):
        first = date(year.year, month, 1)
        days = working_days(first, add_months(first, 1) - timedelta(days=1))
        for opened_on in sorted(random.choices(days, k=count)):
            yield Segment(opened_on, draw_closing(random, opened_on))


def make_specials(random: Random, year: int, opened: list[Segment]) -> None:
    """Turn a few of the segments that opened in `year` into waakvlammen and complex cases, with their own closings."""
    for special in SPECIALS:
        if special.opens_in != year:
            continue
        days = {id(segment): _special_days(special, segment) for segment in opened}
        suited = [segment for segment in opened if segment.case_type == REGULAR and days[id(segment)]]
        for segment in random.sample(suited, special.count):
            segment.case_type, segment.closed_on = special.case_type, random.choice(days[id(segment)])


def _special_days(special: Special, segment: Segment) -> list[date]:
    """The days on which `segment` could close as `special` says."""
    if segment.opened_on.year != special.opens_in or segment.opened_on.month > 10:  # later, it is assessed next year
        return []
    shortest, longest = (timedelta(days=days) for days in _SPECIAL_DAYS[special.case_type])
    first, last = date(special.closes_in, 1, 2), date(special.closes_in, 12, 31)
    return working_days(max(first, segment.opened_on + shortest), min(last, segment.opened_on + longest))


def settle(random: Random, year: Year, pool: list[Segment]) -> None:
    """Move closings until the year has as many short and long ones as the targets say.

    `pool` holds the segments open at some time in the year; what closes too many moves into the next year.
    """
    for short in (True, False):
        wanted = year.closed_within_six_months
        if not short:
            wanted = year.closed - wanted
        closing = [segment for segment in pool if segment.closed_on.year == year.year and segment.short == short]
        movable = [segment for segment in closing if segment.case_type == REGULAR]
        for segment in random.sample(movable, max(0, len(closing) - wanted)):
            segment.closed_on = _day_next_year(random, year, segment)
        later = [segment for segment in pool if segment.closed_on.year > year.year and segment.case_type == REGULAR]
        random.shuffle(later)
        _bring_forward(random, year, later, short, wanted - len(closing))


def _bring_forward(random: Random, year: Year, later: list[Segment], short: bool, missing: int) -> None:
    for segment in later:
        if missing <= 0:
            return
        if (day := _day_this_year(random, year, segment, short)) is not None:
            segment.closed_on = day
            missing -= 1
    if missing > 0:
        raise RuntimeError(f"{year.year}: {missing} closings short of the target; no segment can close in that year")


def _day_this_year(random: Random, year: Year, segment: Segment, short: bool) -> date | None:
    six_months_on = add_months(segment.opened_on, SHORT_MONTHS)
    if short:
        first, last = segment.opened_on + timedelta(days=_SHORTEST_DAYS), six_months_on
    else:
        first, last = six_months_on + timedelta(days=1), segment.opened_on + timedelta(days=_LONGEST_DAYS)
    return some_working_day(random, max(first, date(year.year, 1, 2)), min(last, date(year.year, 12, 31)))


def _day_next_year(random: Random, year: Year, segment: Segment) -> date:
    first = max(date(year.year + 1, 1, 2), segment.opened_on + timedelta(days=_SHORTEST_DAYS))
    return random.choice(working_days(first, first + timedelta(days=200)))
