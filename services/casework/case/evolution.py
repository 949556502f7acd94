"""How facts make a case: `evolve` takes in one fact after another, in the order in which they were recorded."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import assert_never

from schemas.case import (
    CaseAssigned,
    CaseClassified,
    CaseClosed,
    CaseContactLogged,
    CaseCorrected,
    CaseFact,
    CaseFirstContactMade,
    CaseOpened,
    CaseReopened,
    CaseVoided,
    ConsulentAnswered,
    ReferredToConsulent,
)
from services.casework.case.state import Case, Closing, Contact, Referral, Segment, Since

_Happening = (
    CaseAssigned
    | CaseFirstContactMade
    | CaseContactLogged
    | CaseClassified
    | ReferredToConsulent
    | ConsulentAnswered
    | CaseClosed
    | CaseCorrected
)
"""The facts that change one segment which is there already."""


class BrokenHistory(Exception):
    """The facts of a case do not follow one another as `decide` lets them; the operator of the ledger must act."""


def evolve(case: Case | None, fact: CaseFact, day: date) -> Case:
    """The case after `fact`, which happened on `day`; None is a case that is not there yet."""
    match fact:
        case CaseOpened():
            if case is not None:
                raise BrokenHistory("a case was opened a second time")
            return Case(fact.programme, fact.family, fact.youth, fact.decision, (_opened(fact, day),))
        case CaseReopened():
            known = _known(case, fact)
            return replace(known, segments=(*known.segments, _opened(fact, day)))
        case CaseVoided():
            return replace(_known(case, fact), voided=True)
        case (
            CaseAssigned()
            | CaseFirstContactMade()
            | CaseContactLogged()
            | CaseClassified()
            | ReferredToConsulent()
            | ConsulentAnswered()
            | CaseClosed()
            | CaseCorrected()
        ):
            return _with_segment(_known(case, fact), fact.segment, lambda segment: _happened(segment, fact, day))
        case _:
            assert_never(fact)


def _happened(segment: Segment, fact: _Happening, day: date) -> Segment:
    match fact:
        case CaseAssigned():
            return replace(segment, coaches=_by_day(*segment.coaches, Since(day, fact.coach)))
        case CaseFirstContactMade():
            return replace(segment, first_contact_on=day)
        case CaseContactLogged():
            return replace(segment, contacts=(*segment.contacts, Contact(fact.contact, day, fact.minutes)))
        case CaseClassified():
            return replace(segment, case_types=_by_day(*segment.case_types, Since(day, fact.case_type)))
        case ReferredToConsulent():
            return replace(segment, referrals=(*segment.referrals, Referral(fact.referral, day)))
        case ConsulentAnswered():
            return replace(segment, referrals=tuple(_answered(referral, fact, day) for referral in segment.referrals))
        case CaseClosed():
            return replace(segment, closing=Closing(day, fact.reason, fact.outcome, fact.referred_to))
        case CaseCorrected():
            return _corrected(segment, fact)
        case _:
            assert_never(fact)


def _corrected(segment: Segment, fact: CaseCorrected) -> Segment:
    named = fact.model_dump(by_alias=False, exclude_none=True, exclude={"programme", "case", "segment"})
    of_closing = {"closed_on": "day", "reason": "reason", "outcome": "outcome", "referred_to": "referred_to"}
    if closing := {of_closing[name]: named.pop(name) for name in of_closing if name in named}:
        if segment.closing is None:
            raise BrokenHistory(f"corrected the closing of segment {segment.number}, which is open")
        named["closing"] = replace(segment.closing, **closing)
    return replace(segment, **named)


def _opened(fact: CaseOpened | CaseReopened, day: date) -> Segment:
    return Segment(fact.segment, day, fact.age_years, fact.area, fact.channel, fact.help_question, fact.case_type)


def _known(case: Case | None, fact: CaseFact) -> Case:
    if case is None:
        raise BrokenHistory(f"{fact.type} came before the case was opened")
    return case


def _with_segment(case: Case, number: int, change: Callable[[Segment], Segment]) -> Case:
    if not 1 <= number <= len(case.segments):
        raise BrokenHistory(f"segment {number} of a case that has {len(case.segments)}")
    changed = change(case.segments[number - 1])
    return replace(case, segments=(*case.segments[: number - 1], changed, *case.segments[number:]))


def _answered(referral: Referral, fact: ConsulentAnswered, day: date) -> Referral:
    return replace(referral, answer=Since(day, fact.answer)) if referral.reference == fact.referral else referral


def _by_day(*changes: Since) -> tuple[Since, ...]:
    # Sorting is stable: of two changes on one day, the one stated last is in effect.
    return tuple(sorted(changes, key=lambda change: change.day))
