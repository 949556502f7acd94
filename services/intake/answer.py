"""What a partner is told about a submission over HTTP, whether it was just sent or is asked for later."""

from typing import Literal, assert_never

from eventlog.ledger import rfc3339
from schemas.event import Record, SubmissionId
from schemas.submission import GateError
from services.intake.addresses import PageAddresses
from services.intake.fate import Fate, Status
from services.intake.gate import Unattributable
from services.intake.recording import Contested
from services.intake.submissions import Outcome

CONTESTED = (
    "This source and id were used before for other content. The first stands and this has no effect: give every "
    "event an id of its own, and send this again under a new one."
)
REJECTED = "Nothing of it is kept but this outcome. Correct what errors says and send it again under a new id."
UNATTRIBUTABLE = "Nothing was stored. Correct what errors says and send it again."


class Links(Record):
    self: str
    page: str


class SubmissionAnswer(Record):
    """The fate of one submission. `contested` and `unattributable` are said of what was just sent, never kept."""

    status: Status | Literal["contested", "unattributable"]
    submission: SubmissionId | None = None
    type: str | None = None
    received_at: str | None = None
    decided_at: str | None = None
    facts: int | None = None
    errors: tuple[GateError, ...] = ()
    rule: str | None = None
    sentence: str | None = None
    links: Links | None = None


class BatchAnswer(Record):
    """One answer for each event of a batch, in the order in which they were sent."""

    results: tuple[SubmissionAnswer, ...]


def links(fate: Fate, pages: PageAddresses) -> Links:
    page = pages.of(fate.gemeente, fate.submission)
    return Links(self=f"/v1/submissions/{fate.submission}", page=f"/inzendingen/{page}")


def of_fate(fate: Fate, pages: PageAddresses) -> SubmissionAnswer:
    return SubmissionAnswer(
        status=fate.status,
        submission=fate.submission,
        type=fate.statement_type,
        received_at=rfc3339(fate.received_at),
        decided_at=rfc3339(fate.decided_at) if fate.decided_at else None,
        facts=fate.facts,
        errors=fate.errors,
        rule=fate.rule,
        sentence=fate.sentence or (REJECTED if fate.status == "rejected" else None),
        links=links(fate, pages),
    )


def of_outcome(outcome: Outcome, pages: PageAddresses) -> SubmissionAnswer:
    match outcome:
        case Fate():
            return of_fate(outcome, pages)
        case Contested(fate=fate):
            return SubmissionAnswer(
                status="contested", submission=fate.submission, sentence=CONTESTED, links=links(fate, pages)
            )
        case Unattributable(errors=errors):
            return SubmissionAnswer(status="unattributable", errors=errors, sentence=UNATTRIBUTABLE)
        case _:
            assert_never(outcome)
