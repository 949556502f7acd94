"""The few registrations that went wrong and were put right, so that the trail shows it; no total moves by them."""

from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import assert_never

from services.demonstration.cases import AREAS, Case, Slip, SlipField
from services.demonstration.choices import OWN_INITIATIVE
from services.demonstration.segments import REGULAR
from services.demonstration.workdays import some_day_after, working_days

FIELDS: tuple[SlipField, ...] = ("area", "channel", "age_years", "opened_on", "closed_on", "reason")
_STATED_CLOSING = date(2023, 1, 5)


def with_slips(random: Random, cases: list[Case]) -> list[Case]:
    """The same cases, six of them first stated wrongly, and three more that were voided."""
    slipped = list(cases)
    for field in FIELDS:
        position = random.choice([n for n, case in enumerate(slipped) if _light(case) and _fits(field, case)])
        case = slipped[position]
        slip = Slip(field, _stated(field, case), _corrected_on(random, field, case))
        slipped[position] = replace(case, slip=slip)
    twins = [_twin(random, slipped, year) for year in (2022, 2023)]
    return [*slipped, *twins, _mistake(random, slipped, 2021)]


def _light(case: Case) -> bool:
    one = case.segments[0]
    return case.slip is None and not case.by_school and len(case.segments) == 1 and one.case_type == REGULAR


def _fits(field: SlipField, case: Case) -> bool:
    """Whether this field of this case may be stated wrongly: one of each field, spread over the years."""
    one = case.segments[0]
    match field:
        case "area":
            return one.opened_on.year == 2021
        case "channel":
            return one.opened_on.year == 2022 and one.channel == "direct"
        case "age_years":
            return one.opened_on.year == 2023 and one.opened_on.month < 11 and one.age_years == 11
        case "opened_on":
            return one.opened_on.year == 2023 and one.opened_on.month < 11 and one.opened_on.day > 10
        case "closed_on":
            # Over the turn of the year: for two weeks of January the totals of 2022 were known otherwise than now.
            return date(2022, 12, 12) <= one.closed_on <= date(2022, 12, 31)
        case "reason":
            return one.closed_on.year == 2023 and one.closed_on.month < 11 and one.reason == OWN_INITIATIVE
        case _:
            assert_never(field)


def _stated(field: SlipField, case: Case) -> str | int | date:
    match field:
        case "area":
            areas = list(AREAS)
            return areas[(areas.index(case.area) + 1) % len(areas)]
        case "channel":
            return "website"
        case "age_years":
            return 12
        case "opened_on":
            opened_on = case.segments[0].opened_on
            return working_days(opened_on - timedelta(days=9), opened_on)[0]
        case "closed_on":
            return _STATED_CLOSING
        case "reason":
            return "as-planned"
        case _:
            assert_never(field)


def _corrected_on(random: Random, field: SlipField, case: Case) -> date:
    match field:
        case "area" | "channel" | "age_years" | "opened_on":
            return some_day_after(random, case.segments[0].opened_on, 5, 30)
        case "closed_on":
            return some_day_after(random, _STATED_CLOSING, 7, 14)
        case "reason":
            return some_day_after(random, case.segments[0].closed_on, 3, 20)
        case _:
            assert_never(field)


def _twin(random: Random, cases: list[Case], year: int) -> Case:
    """A case that the coaches registered and the school registered again; it was voided within two weeks."""
    original = random.choice([case for case in cases if _light(case) and _school_sent_to_coaches(case, year)])
    segment = original.segments[0]
    opened_on = some_day_after(random, segment.opened_on, 1, 5)
    return replace(
        original,
        reference=original.reference + "-2",
        segments=(replace(segment, opened_on=opened_on),),
        by_school=True,
        voided_on=some_day_after(random, opened_on, 3, 10),
    )


def _school_sent_to_coaches(case: Case, year: int) -> bool:
    segment = case.segments[0]
    return segment.opened_on.year == year and segment.opened_on.month < 12 and segment.channel == "school"


def _mistake(random: Random, cases: list[Case], year: int) -> Case:
    """A question for another service that was registered as a case of its own."""
    like = random.choice([case for case in cases if _light(case) and case.segments[0].opened_on.year == year])
    opened_on = like.segments[0].opened_on
    return replace(
        like,
        reference=f"{like.reference}-M",
        family=f"{like.family}-M",
        voided_on=some_day_after(random, opened_on, 1, 6),
        voided_as="registered-by-mistake",
    )
