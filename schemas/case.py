"""The facts of a case, written by casework alone.

This is storage: published versions never change.

A case is the support of one family in one programme. It has one or more segments: opened … closed; reopening starts
the next. No fact holds personal data; references are pseudonyms. The day it happened is in the envelope (`occurredon`).
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.event import NAMESPACE, AgeYears, Code, Day, Event, Pseudonym

Segment = Annotated[int, Field(ge=1, description="The segment of the case that the fact belongs to, from 1.")]


class Fact(Event):
    """What every fact says: about which segment of which case in which programme."""

    programme: Code
    case: Pseudonym
    segment: Segment


class CaseOpened(Fact):
    """Support of a family in a programme began; segment 1 of the case."""

    type: ClassVar[str] = NAMESPACE + "case.opened.v1"
    family: Pseudonym
    youth: Pseudonym | None = None
    age_years: AgeYears
    area: Code
    channel: Code
    help_question: Code
    case_type: Code
    decision: Pseudonym | None = None


class CaseAssigned(Fact):
    """A worker took the case on."""

    type: ClassVar[str] = NAMESPACE + "case.assigned.v1"
    coach: Pseudonym


class CaseFirstContactMade(Fact):
    """The first real conversation with the family of this segment."""

    type: ClassVar[str] = NAMESPACE + "case.first-contact-made.v1"


class CaseContactLogged(Fact):
    """Time spent on the case; the same contact is recorded once."""

    type: ClassVar[str] = NAMESPACE + "case.contact-logged.v1"
    contact: Pseudonym
    minutes: Annotated[int, Field(ge=1, le=1440)]


class CaseClassified(Fact):
    """The case type from this day on."""

    type: ClassVar[str] = NAMESPACE + "case.classified.v1"
    case_type: Code


class ReferredToConsulent(Fact):
    """The coach involved the gemeente's (jeugd)consulent."""

    type: ClassVar[str] = NAMESPACE + "case.referred-to-consulent.v1"
    referral: Pseudonym


class ConsulentAnswered(Fact):
    """The consulent answered a referral."""

    type: ClassVar[str] = NAMESPACE + "case.consulent-answered.v1"
    referral: Pseudonym
    answer: Code


class CaseClosed(Fact):
    """The segment ended: why, with which outcome, and where the family went from here."""

    type: ClassVar[str] = NAMESPACE + "case.closed.v1"
    reason: Code
    outcome: Code
    referred_to: tuple[Code, ...] = ()


class CaseReopened(Fact):
    """A new segment; `segment` is its number."""

    type: ClassVar[str] = NAMESPACE + "case.reopened.v1"
    age_years: AgeYears
    area: Code
    channel: Code
    help_question: Code
    case_type: Code


class CaseVoided(Fact):
    """The whole case stops counting; `segment` is the last one it had."""

    type: ClassVar[str] = NAMESPACE + "case.voided.v1"
    reason: Literal["registered-twice", "registered-by-mistake"]


class CaseCorrected(Fact):
    """The named fields of one segment were wrong and are now as given; an absent field stays as it was."""

    type: ClassVar[str] = NAMESPACE + "case.corrected.v1"
    opened_on: Day | None = None
    closed_on: Day | None = None
    age_years: AgeYears | None = None
    area: Code | None = None
    channel: Code | None = None
    help_question: Code | None = None
    reason: Code | None = None
    outcome: Code | None = None
    referred_to: tuple[Code, ...] | None = None


CaseFact = (
    CaseOpened
    | CaseAssigned
    | CaseFirstContactMade
    | CaseContactLogged
    | CaseClassified
    | ReferredToConsulent
    | ConsulentAnswered
    | CaseClosed
    | CaseReopened
    | CaseVoided
    | CaseCorrected
)

FACTS: tuple[type[Fact], ...] = (
    CaseOpened,
    CaseAssigned,
    CaseFirstContactMade,
    CaseContactLogged,
    CaseClassified,
    ReferredToConsulent,
    ConsulentAnswered,
    CaseClosed,
    CaseReopened,
    CaseVoided,
    CaseCorrected,
)
