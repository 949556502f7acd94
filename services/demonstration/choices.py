"""How the totals of a year are handed out to its segments: channels, ages, reasons and types of case."""

from collections.abc import Mapping
from random import Random
from typing import TypeVar

from services.demonstration.segments import REGULAR, Segment
from services.demonstration.targets import Year

T = TypeVar("T")

OWN_INITIATIVE = "own-initiative"

AGES = {
    "0-4": {0: 14, 1: 21, 2: 30, 3: 35},
    "4-12": {4: 15, 5: 14, 6: 14, 7: 13, 8: 13, 9: 11, 10: 10, 11: 10},
    "12-23": {12: 16, 13: 15, 14: 16, 15: 16, 16: 12, 17: 10, 18: 5, 19: 4, 20: 3, 21: 2, 22: 1},
}
"""Ages in whole years with their weights; only the midwife tells of an unborn child, -1."""

_YOUNGEST = ("midwife", "childcare", "youth-health")
_NEVER_YOUNG = ("school", "case-conference", "youth-work")
_OTHER_REASONS = {"as-planned": 78, "ended-early-agreed": 12, "ended-by-provider": 3, "external-circumstances": 7}


def pick(random: Random, weights: Mapping[T, int]) -> T:
    """One of the keys, each as likely as its weight says."""
    return random.choices(list(weights), list(weights.values()))[0]


def choose_channels_and_ages(random: Random, year: Year, new: list[Segment]) -> None:
    """Give the year's new segments its channels and its ages: the youngest by the midwife, never by a school."""
    channels = [channel for channel, count in year.channels.items() for _ in range(count)]
    random.shuffle(channels)
    for segment, channel in zip(new, channels, strict=True):
        segment.channel = channel
    waiting = random.sample(new, len(new))
    waiting.sort(key=lambda segment: (segment.channel in _NEVER_YOUNG) - (segment.channel in _YOUNGEST))
    young, others = waiting[: year.age_bands["0-4"]], waiting[year.age_bands["0-4"] :]
    random.shuffle(others)
    others.sort(key=lambda segment: segment.channel != "youth-work")
    for position, segment in enumerate(others):
        choose_age(random, segment, "12-23" if position < year.age_bands["12-23"] else "4-12")
    for segment in young:
        choose_age(random, segment, "0-4")


def choose_freely(random: Random, year: Year, segment: Segment) -> None:
    """A channel and an age where no total binds: about as in `year`."""
    segment.channel = pick(random, year.channels)
    bands = dict(year.age_bands)
    if segment.channel in _YOUNGEST:
        bands = {"0-4": 1}
    elif segment.channel in _NEVER_YOUNG:
        del bands["0-4"]
    choose_age(random, segment, pick(random, bands))


def choose_age(random: Random, segment: Segment, band: str) -> None:
    segment.age_years = -1 if segment.channel == "midwife" else pick(random, AGES[band])


def choose_reasons(random: Random, year: Year, closing: list[Segment]) -> None:
    """Let as many of the year's closings as the totals say stop on the family's own initiative."""
    regular = [segment for segment in closing if segment.case_type == REGULAR]
    own = {id(segment) for segment in random.sample(regular, year.closed_on_own_initiative)}
    for segment in regular:
        segment.reason = OWN_INITIATIVE if id(segment) in own else pick(random, _OTHER_REASONS)


def choose_reason_freely(random: Random, segment: Segment) -> None:
    if segment.case_type == REGULAR:
        segment.reason = pick(random, {OWN_INITIATIVE: 14, **_OTHER_REASONS})
