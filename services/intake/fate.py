"""What became of a submission, folded from its own stream: the gate's outcome, casework's, and who reused its id."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from eventlog.ledger import Recorded
from schemas.registry import decode
from schemas.submission import (
    GateError,
    RefusalRule,
    SubmissionAccepted,
    SubmissionApplied,
    SubmissionContested,
    SubmissionRefused,
    SubmissionRejected,
)

Status = Literal["accepted", "rejected", "applied", "refused"]
"""accepted: the gate let it in and casework has it before it. The other three are final."""


@dataclass(frozen=True, slots=True)
class Fate:
    """`content` and `contested` are the keyed digests of what was sent first and of what was sent later."""

    submission: str
    gemeente: str
    partner: str
    status: Status
    received_at: datetime
    content: str
    version: int
    statement_type: str | None = None
    programme: str | None = None
    occurred_on: date | None = None
    errors: tuple[GateError, ...] = ()
    decided_at: datetime | None = None
    facts: int | None = None
    rule: RefusalRule | None = None
    sentence: str | None = None
    contested: frozenset[str] = frozenset()

    @property
    def final(self) -> bool:
        return self.status != "accepted"


def stream_of(submission: str) -> str:
    return f"submission-{submission}"


def fold(events: Sequence[Recorded]) -> Fate | None:
    """The fate that the events of one stream tell; None for a stream that does not exist."""
    fate: Fate | None = None
    for recorded in events:
        fate = evolve(fate, recorded)
    return fate


def evolve(fate: Fate | None, recorded: Recorded) -> Fate:
    match decode(recorded.type, recorded.data):
        case SubmissionAccepted() as accepted if fate is None:
            return replace(
                _begun(recorded, "accepted", accepted),
                statement_type=accepted.statement_type,
                programme=accepted.statement.get("programme"),
                occurred_on=recorded.occurred_on,
            )
        case SubmissionRejected() as rejected if fate is None:
            return replace(
                _begun(recorded, "rejected", rejected), errors=rejected.errors, decided_at=recorded.recorded_at
            )
        case SubmissionApplied() as applied if fate is not None:
            return replace(
                fate,
                status="applied",
                decided_at=recorded.recorded_at,
                facts=applied.facts,
                version=recorded.version,
            )
        case SubmissionRefused() as refused if fate is not None:
            return replace(
                fate,
                status="refused",
                decided_at=recorded.recorded_at,
                rule=refused.rule,
                sentence=refused.sentence,
                version=recorded.version,
            )
        case SubmissionContested() as contested if fate is not None:
            return replace(fate, contested=fate.contested | {contested.content}, version=recorded.version)
        case _:
            raise ValueError(f"{recorded}: {recorded.type} cannot be event {recorded.version} of a submission's stream")


def _begun(recorded: Recorded, status: Status, event: SubmissionAccepted | SubmissionRejected) -> Fate:
    return Fate(
        submission=event.submission,
        gemeente=recorded.ledger.gemeente,
        partner=recorded.partner,
        status=status,
        received_at=recorded.recorded_at,
        content=event.content,
        version=recorded.version,
    )
