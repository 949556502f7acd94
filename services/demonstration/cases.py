"""Families and their cases: segments put together, a few of them reopened in a later year, some registered wrongly."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Literal

from services.demonstration.choices import pick
from services.demonstration.segments import REGULAR, Segment

SlipField = Literal["area", "channel", "age_years", "opened_on", "closed_on", "reason"]
VoidReason = Literal["registered-twice", "registered-by-mistake"]

REOPENINGS = ((2021, 2022), (2021, 2022), (2022, 2023), (2022, 2023), (2022, 2023))
"""Closed in the one year, reopened in the other: within one year a case would be active once and new twice."""

AREAS = {"wijk-a": 26, "wijk-b": 22, "wijk-c": 20, "wijk-d": 18, "wijk-e": 14}
COACHES_PER_AREA = 3


@dataclass(frozen=True, slots=True)
class Slip:
    """What was first stated wrongly of the first segment, and the day the partner put it right."""

    field: SlipField
    stated: str | int | date
    corrected_on: date


@dataclass(frozen=True, slots=True)
class Case:
    """The support of one family: what stays the same, and its segments in order."""

    reference: str
    family: str
    number: int
    area: str
    coach: str
    segments: tuple[Segment, ...]
    slip: Slip | None = None
    voided_on: date | None = None
    voided_as: VoidReason = "registered-twice"
    by_school: bool = False


def assemble(random: Random, segments: list[Segment], prefix: str = "SYN") -> list[Case]:
    """One case for each segment, but for the second segments of those that reopen; ordered by first opening."""
    following = _reopenings(random, segments)
    second = {id(segment) for segment in following.values()}
    firsts = sorted((one for one in segments if id(one) not in second), key=lambda segment: segment.opened_on)
    cases: list[Case] = []
    numbers: dict[int, int] = {}
    for segment in firsts:
        year = segment.opened_on.year
        numbers[year] = numbers.get(year, 0) + 1
        later = following.get(id(segment))
        cases.append(make_case(random, prefix, numbers[year], (segment, later) if later else (segment,)))
    return cases


def make_case(random: Random, prefix: str, number: int, segments: tuple[Segment, ...]) -> Case:
    reference = f"{prefix}-{segments[0].opened_on.year}-{number:04d}"
    area = pick(random, AREAS)
    coach = list(AREAS).index(area) * COACHES_PER_AREA + random.randrange(COACHES_PER_AREA) + 1
    return Case(
        reference=reference,
        family=reference.replace("-", "-F-", 1),
        number=number,
        area=area,
        coach=f"{prefix}-COACH-{coach:02d}",
        segments=segments,
        by_school=segments[0].channel == "school" and random.randrange(2) == 0,
    )


def _reopenings(random: Random, segments: list[Segment]) -> dict[int, Segment]:
    """First segment's identity to the later segment of the same family; the child is as much older as time went by."""
    following: dict[int, Segment] = {}
    used: set[int] = set()
    for closed_in, opened_in in REOPENINGS:
        pairs = [
            (first, later)
            for first in segments
            for later in segments
            if first.closed_on.year == closed_in
            and later.opened_on.year == opened_in
            and id(first) not in used
            and id(later) not in used
            and _same_family(first, later)
        ]
        first, later = random.choice(pairs)
        following[id(first)] = later
        used |= {id(first), id(later)}
    return following


def _same_family(first: Segment, later: Segment) -> bool:
    older = later.age_years - first.age_years
    years, days = divmod((later.opened_on - first.opened_on).days, 365)
    return (
        first.case_type == later.case_type == REGULAR
        and first.reason == "as-planned"
        and first.age_years >= 0
        and later.opened_on >= first.closed_on + timedelta(days=60)
        and older == years + (days > 182)
    )
