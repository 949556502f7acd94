"""What the gate and casework answer to a submission: the events of its own stream.

This is storage and wire: published versions never change.
"""

from hashlib import sha256
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints, WithJsonSchema

from schemas.event import NAMESPACE, Event, Pseudonym, Record, SubmissionId
from schemas.marks import NotToldMark


def submission_id(source: str, event_id: str) -> str:
    """The id of the submission that a CloudEvent's source and id make, the same at every door and for ever."""
    return sha256(f"{source}\n{event_id}".encode()).hexdigest()[:32]


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
    "code-unknown",
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
