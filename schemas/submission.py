"""What partners state, and what the gate and casework answer. Storage and wire: published versions never change.

A statement is the data of a CloudEvent that a partner sends. The answers are the events of a submission's own stream.
"""

from hashlib import sha256
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints, WithJsonSchema

from schemas.event import NAMESPACE, AgeYears, Code, Day, Event, Pseudonym, Record, SubmissionId
from schemas.marks import NotToldMark, Personal, Reference


def submission_id(source: str, event_id: str) -> str:
    """The id of the submission that a CloudEvent's source and id make, the same at every door and for ever."""
    return sha256(f"{source}\n{event_id}".encode()).hexdigest()[:32]


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
    segment: Annotated[int, Field(ge=1)] = 1
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

RejectionCode = Literal[
    "not-a-cloudevent",
    "attribute-missing",
    "attribute-invalid",
    "source-not-yours",
    "type-unknown",
    "type-not-allowed",
    "outside-your-registration",
    "programme-unknown",
    "programme-not-allowed",
    "data-missing",
    "data-too-large",
    "field-missing",
    "field-invalid",
    "field-unknown",
    "bsn-not-allowed",
    "occurred-in-the-future",
]
"""Why the gate rejects a submission. A code keeps its meaning; new ones may be added."""

RefusalRule = Literal[
    "case-exists",
    "case-unknown",
    "case-closed",
    "case-open",
    "case-voided",
    "family-differs",
    "segment-unknown",
    "outside-programme-period",
    "before-opening",
    "before-last-closing",
    "after-closing",
    "closing-before-opening",
    "segments-overlap",
    "decision-needed",
    "age-outside-programme",
    "area-unknown",
    "channel-unknown",
    "help-question-unknown",
    "case-type-unknown",
    "closing-reason-unknown",
    "outcome-unknown",
    "destination-unknown",
    "consulent-not-in-programme",
    "family-must-agree",
    "referral-unknown",
    "referral-answered",
    "answer-unknown",
    "contact-differs",
    "referral-differs",
    "not-closed",
    "later-than-statement",
]
"""The rule of casework that a refused submission broke. A name keeps its meaning; new ones may be added."""

Sentence = Annotated[str, StringConstraints(min_length=1, max_length=500)]

# A published schema never changes and these lists may grow, so the schema gives their form; the README gives the list.
GrowingList = WithJsonSchema(
    {
        "type": "string",
        "pattern": "^[a-z]+(-[a-z]+)*$",
        "description": "A code from the list in schemas/README.md. Codes may be added; none changes its meaning.",
    }
)

ContentDigest = Annotated[
    str,
    Field(description="Keyed digest of what was sent, to tell a repeat from a reuse of the id."),
    NotToldMark(),
]


class GateError(Record):
    """One thing the gate found: the code, a sentence that says what to do, and the field it is about."""

    code: Annotated[RejectionCode, GrowingList]
    sentence: Sentence
    field: str | None = None


class SubmissionAccepted(Event):
    """The gate let a statement in: references are pseudonyms, personal fields are sealed with the family's key."""

    type: ClassVar[str] = NAMESPACE + "submission.accepted.v1"
    submission: SubmissionId
    source: str
    id: str
    statement_type: str
    statement: Annotated[dict[str, Any], NotToldMark()]
    content: ContentDigest


class SubmissionRejected(Event):
    """The gate did not let a submission in. What was sent is not kept; its digest is."""

    type: ClassVar[str] = NAMESPACE + "submission.rejected.v1"
    submission: SubmissionId
    source: str
    id: str
    errors: Annotated[tuple[GateError, ...], Field(min_length=1)]
    content: ContentDigest


class SubmissionContested(Event):
    """The same source and id came again with other content. The first outcome stands; this content has no effect."""

    type: ClassVar[str] = NAMESPACE + "submission.contested.v1"
    submission: SubmissionId
    source: str
    id: str
    content: ContentDigest


class SubmissionApplied(Event):
    """Casework took the statement over: `facts` events came of it; 0 where it was so already."""

    type: ClassVar[str] = NAMESPACE + "submission.applied.v1"
    submission: SubmissionId
    case: Pseudonym
    facts: Annotated[int, Field(ge=0)]


class SubmissionRefused(Event):
    """Casework did not take the statement over, because of one rule."""

    type: ClassVar[str] = NAMESPACE + "submission.refused.v1"
    submission: SubmissionId
    case: Pseudonym
    rule: Annotated[RefusalRule, GrowingList]
    sentence: Sentence


ANSWERS: tuple[type[Event], ...] = (
    SubmissionAccepted,
    SubmissionRejected,
    SubmissionContested,
    SubmissionApplied,
    SubmissionRefused,
)
