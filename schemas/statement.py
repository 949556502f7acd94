"""What partners state: the data of the CloudEvents they send.

This is the public contract: published versions never change.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.event import NAMESPACE, AgeYears, Code, Day, Event
from schemas.marks import Personal, Reference


class Statement(Event):
    """What every statement says: about which case of which family in which programme, and on which day it happened."""

    programme: Code
    case: Reference
    family: Reference
    occurred_on: Day


class EnquiryReceived(Statement):
    """A family asks for support; casework opens the case."""

    type: ClassVar[str] = NAMESPACE + "enquiry.received.v1"
    youth: Reference | None = None
    age_years: AgeYears
    area: Code
    channel: Code
    help_question: Code
    decision: Reference | None = Field(default=None, description="The beschikking, where the programme needs one.")
    youth_name: Personal | None = None
    parent_name: Personal | None = None
    phone: Personal | None = None
    email: Personal | None = None
    note: Personal | None = None


class CoachAssigned(Statement):
    """A worker takes the case on."""

    type: ClassVar[str] = NAMESPACE + "coach.assigned.v1"
    coach: Reference


class FirstContactMade(Statement):
    """The first real conversation with the family took place."""

    type: ClassVar[str] = NAMESPACE + "first-contact.made.v1"


class ContactLogged(Statement):
    """Time spent on the case; `contact` names this contact within the case."""

    type: ClassVar[str] = NAMESPACE + "contact.logged.v1"
    contact: Reference
    minutes: Annotated[int, Field(ge=1, le=1440)]
    note: Personal | None = None


class CaseTypeAssessed(Statement):
    """The case was assessed against the programme's case types (regular, waakvlam, complex-intensive, …)."""

    type: ClassVar[str] = NAMESPACE + "case-type.assessed.v1"
    case_type: Code


class ConsulentReferralMade(Statement):
    """The coach involves the gemeente's (jeugd)consulent, in agreement with the family; `referral` names it."""

    type: ClassVar[str] = NAMESPACE + "consulent-referral.made.v1"
    referral: Reference
    family_agrees: bool
    question: Personal | None = None


class ConsulentReferralAnswered(Statement):
    """The consulent's answer to a referral."""

    type: ClassVar[str] = NAMESPACE + "consulent-referral.answered.v1"
    referral: Reference
    answer: Code


class SupportEnded(Statement):
    """The support ended; casework closes the case."""

    type: ClassVar[str] = NAMESPACE + "support.ended.v1"
    reason: Code
    outcome: Code
    referred_to: tuple[Code, ...] = Field(default=(), max_length=10)
    note: Personal | None = None


class SupportResumed(Statement):
    """The family is supported again; casework reopens the case as a new segment."""

    type: ClassVar[str] = NAMESPACE + "support.resumed.v1"
    age_years: AgeYears
    area: Code
    channel: Code
    help_question: Code


class RegistrationVoided(Statement):
    """The case should never have been registered; it stops counting, its history stays."""

    type: ClassVar[str] = NAMESPACE + "registration.voided.v1"
    reason: Literal["registered-twice", "registered-by-mistake"]


class RegistrationCorrected(Statement):
    """What was stated about one segment was wrong; a field that is absent stays as it was."""

    type: ClassVar[str] = NAMESPACE + "registration.corrected.v1"
    segment: Annotated[int, Field(ge=1, le=1000)] = 1
    opened_on: Day | None = None
    closed_on: Day | None = None
    age_years: AgeYears | None = None
    area: Code | None = None
    channel: Code | None = None
    help_question: Code | None = None
    reason: Code | None = None
    outcome: Code | None = None
    referred_to: tuple[Code, ...] | None = Field(default=None, max_length=10)


STATEMENTS: tuple[type[Statement], ...] = (
    EnquiryReceived,
    CoachAssigned,
    FirstContactMade,
    ContactLogged,
    CaseTypeAssessed,
    ConsulentReferralMade,
    ConsulentReferralAnswered,
    SupportEnded,
    SupportResumed,
    RegistrationVoided,
    RegistrationCorrected,
)
