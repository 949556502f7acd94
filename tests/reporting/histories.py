"""Random histories of cases that casework's rules would let through, for Hypothesis."""

from collections.abc import Callable
from datetime import date, timedelta
from itertools import count

from hypothesis import strategies as st

from tests.reporting.made import CaseStory

FIRST_DAY = date(2021, 12, 1)
_AREAS = st.sampled_from(["wijk-a", "wijk-b"])
_CHANNELS = st.sampled_from(["direct", "school", "gp"])
_AGES = st.integers(-1, 22)
_references = count()


@st.composite
def stories(draw: st.DrawFn) -> CaseStory:
    """One case: opened, perhaps closed the same day, reopened, corrected, voided; in any order that makes sense."""
    day = FIRST_DAY + timedelta(days=draw(st.integers(0, 500)))
    partner = draw(st.sampled_from(["synthetic-synthese", "synthese"]))
    story = CaseStory(f"{next(_references)}", partner)

    def later(days: int) -> date:
        nonlocal day
        day += timedelta(days=draw(st.integers(0, days)))
        return day

    for _ in range(draw(st.integers(1, 3))):
        opened = later(60)
        story.opened(opened, area=draw(_AREAS), channel=draw(_CHANNELS), age_years=draw(_AGES))
        _course(draw, story, later)
        if draw(st.booleans()):
            _end(draw, story, opened, later)
        else:
            break
    if draw(st.integers(0, 6)) == 0:
        story.voided(later(20))
    return story


def _course(draw: st.DrawFn, story: CaseStory, later: Callable[[int], date]) -> None:
    for what in draw(st.lists(st.sampled_from(["contact", "type", "referral", "area"]), max_size=3, unique=True)):
        if what == "contact":
            story.contact(later(30), draw(st.integers(1, 120)))
        elif what == "type":
            story.classified(later(30), draw(st.sampled_from(["regular", "pilot-flame"])))
        elif what == "referral":
            name = f"{story.case}{story.segment}"
            story.referred(later(30), name)
            if draw(st.booleans()):
                story.answered(later(30), "advised", name)
        else:
            story.corrected(later(30), area=draw(_AREAS))


def _end(draw: st.DrawFn, story: CaseStory, opened: date, later: Callable[[int], date]) -> None:
    """Closed, perhaps on the day it was opened, perhaps on another day than was first said."""
    said = later(draw(st.sampled_from([0, 30, 400])))
    story.closed(said, draw(st.sampled_from(["as-planned", "own-initiative"])), draw(_DESTINATIONS))
    if draw(st.integers(0, 4)) == 0:
        earlier = opened + timedelta(days=draw(st.integers(0, (said - opened).days)))
        story.corrected(later(10), closed_on=earlier)


_DESTINATIONS = st.sampled_from([(), ("social-work",), ("social-work", "youth-work")])

histories = st.lists(stories(), min_size=1, max_size=12)
