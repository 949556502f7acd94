"""What happens between the opening and the end of a segment: a coach, a first contact, contacts, a referral."""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import TypedDict

from schemas.statement import (
    CaseTypeAssessed,
    CoachAssigned,
    ConsulentReferralAnswered,
    ConsulentReferralMade,
    ContactLogged,
    FirstContactMade,
    Statement,
)
from services.demonstration.cases import Case
from services.demonstration.choices import pick
from services.demonstration.segments import COMPLEX, PILOT_FLAME, REGULAR, Segment
from services.demonstration.senders import COACHES, CONSULENT
from services.demonstration.workdays import some_day_after

FULL_STRENGTH = date(2023, 10, 1)
"""From then on the team was complete and new families no longer waited (seed 001, lines 219-221)."""

_LONGEST_WAIT_DAYS, _LONGEST_WAIT_AT_FULL_STRENGTH_DAYS = 45, 8
_DAYS_BETWEEN = {REGULAR: (14, 34), PILOT_FLAME: (28, 33), COMPLEX: (5, 8)}
_MINUTES = {REGULAR: (30, 90), PILOT_FLAME: (30, 60), COMPLEX: (135, 210)}
"""Per contact: a waakvlam takes at most two hours a month, a complex case more than two hours a week."""

_SHARE_REFERRED = 22
_ANSWERS = {"taken-over": 45, "advised": 45, "declined": 10}


class About(TypedDict):
    """What every statement of a case says first."""

    programme: str
    case: str
    family: str


def course(
    random: Random, about: About, case: Case, number: int, segment: Segment, last_day: date
) -> Iterator[tuple[str, Statement]]:
    """Who states what after the opening of segment `number` and before its end, not always in order."""
    end = min(segment.closed_on, last_day + timedelta(days=1))
    wait = _LONGEST_WAIT_DAYS if segment.opened_on < FULL_STRENGTH else _LONGEST_WAIT_AT_FULL_STRENGTH_DAYS
    coach_on = some_day_after(random, segment.opened_on, 1, min(wait, segment.days_open // 4))
    first_on = some_day_after(random, coach_on, 1, 10)
    yield COACHES, CoachAssigned(**about, occurred_on=coach_on, coach=case.coach)
    yield COACHES, FirstContactMade(**about, occurred_on=first_on)
    if segment.case_type != REGULAR:
        assessed_on = some_day_after(random, first_on, 10, 30)
        yield COACHES, CaseTypeAssessed(**about, occurred_on=assessed_on, case_type=segment.case_type)
    for contact in _contacts(random, about, number, segment.case_type, first_on, end):
        yield COACHES, contact
    if random.randrange(100) < _SHARE_REFERRED:
        yield from _referral(random, about, number, first_on, segment.closed_on)


def _contacts(
    random: Random, about: About, number: int, case_type: str, first_on: date, end: date
) -> Iterator[ContactLogged]:
    shortest, longest = _DAYS_BETWEEN[case_type]
    least, most = _MINUTES[case_type]
    day, count = some_day_after(random, first_on, shortest, longest), 0
    while day < end:
        count += 1
        yield ContactLogged(
            **about,
            occurred_on=day,
            contact=f"{about['case']}-C{number}{count:02d}",
            minutes=random.randrange(least, most + 1, 15),
            note="Synthetische notitie bij het contact" if random.randrange(12) == 0 else None,
        )
        day = some_day_after(random, day, shortest, longest)


def _referral(
    random: Random, about: About, number: int, first_on: date, closed_on: date
) -> Iterator[tuple[str, Statement]]:
    """A referral and its answer; none where the support ends too soon for an answer."""
    referral = f"{about['case']}-R{number}"
    referred_on = some_day_after(random, first_on, 7, max(14, (closed_on - first_on).days // 2))
    answered_on = some_day_after(random, referred_on, 5, 35)
    if answered_on >= closed_on:
        return
    yield (
        COACHES,
        ConsulentReferralMade(
            **about,
            occurred_on=referred_on,
            referral=referral,
            family_agrees=True,
            question="Synthetische vraag aan de consulent",
        ),
    )
    yield (
        CONSULENT,
        ConsulentReferralAnswered(**about, occurred_on=answered_on, referral=referral, answer=pick(random, _ANSWERS)),
    )
