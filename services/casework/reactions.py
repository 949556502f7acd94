"""What casework does when the gate accepts a submission: it decides, and records the facts and the answer together."""

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from eventlog.errors import UnreadableRecord, VersionConflict
from eventlog.ledger import Append, Ledger, LedgerId, NewEvent, Recorded
from eventlog.step import Step
from schemas.event import Event
from schemas.programme import Programmes
from schemas.submission import SubmissionAccepted, SubmissionApplied, SubmissionRefused
from services.casework.case import BrokenHistory, Case, Decision, Refusal, decide, evolve
from services.casework.submissions import Submission, read_fact, read_submission


class Casework:
    """The reader of the gate's ledgers. It decides, so it is never replayed; whoever delivers twice changes nothing."""

    name = "casework"
    source = "intake"

    def __init__(self, ledger: Ledger, programmes: Programmes) -> None:
        self._ledger = ledger
        self._programmes = programmes

    async def handle(self, tx: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        """Answer each accepted submission of `events` once, in order.

        Raises UnreadableRecord where an event of either ledger cannot be read, and VersionConflict where another
        instance was first; nothing of the batch is kept then, and the caller tries again from the stored position.
        """
        appends = await self._answers(tx, ledger, events)
        if not appends:
            return
        for outcome in await self._ledger.append(tx, ledger.gemeente, appends):
            if isinstance(outcome, VersionConflict):
                raise outcome

    async def take_step(self, connection: AsyncConnection, step: Step, events: Sequence[Recorded]) -> int | None:
        """The same and the move in one statement. What is looked up before it stands: who decides moves this reader."""
        return await self._ledger.append_with(connection, step, await self._answers(connection, step.ledger, events))

    async def _answers(self, connection: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> list[Append]:
        accepted = (event for event in events if event.type == SubmissionAccepted.type)
        submissions = [read_submission(event, self._programmes) for event in accepted]
        touched = [
            stream for submission in submissions for stream in (submission.case_stream, submission.outcome_stream)
        ]
        if not touched:
            return []
        desk = _Desk(await self._ledger.read_streams(connection, ledger.gemeente, list(dict.fromkeys(touched))))
        return [append for submission in submissions for append in desk.answer(submission)]


class _Desk:
    """The cases one batch touches, as they are after each of its submissions."""

    def __init__(self, streams: Mapping[str, Sequence[Recorded]]) -> None:
        self._streams = streams
        self._cases: dict[str, Case | None] = {}
        self._versions = {stream: len(events) for stream, events in streams.items()}

    def answer(self, submission: Submission) -> Iterator[Append]:
        """What to append: the facts, then the outcome; nothing where the submission has its outcome already."""
        if self._versions[submission.outcome_stream]:
            return
        decision = self._decide(submission)
        if decision and not isinstance(decision, Refusal):
            yield self._append(submission, submission.case_stream, decision)
        yield self._append(submission, submission.outcome_stream, (_outcome(submission, decision),))

    def _decide(self, submission: Submission) -> Decision:
        statement = submission.statement
        case = self._case(submission.case_stream)
        decision = decide(statement, case, submission.programme)
        if not isinstance(decision, Refusal):
            for fact in decision:
                case = evolve(case, fact, statement.occurred_on)
        self._cases[submission.case_stream] = case
        return decision

    def _case(self, stream: str) -> Case | None:
        if stream not in self._cases:
            self._cases[stream] = _fold(self._streams[stream])
        return self._cases[stream]

    def _append(self, submission: Submission, stream: str, events: Sequence[Event]) -> Append:
        accepted = submission.accepted
        expected_version = self._versions[stream]
        self._versions[stream] += len(events)
        new = tuple(
            NewEvent(
                type=event.type,
                data=event.encode(),
                occurred_on=submission.statement.occurred_on,
                partner=accepted.partner,
                correlation=accepted.correlation,
                causation=str(accepted),
                case=accepted.case,
            )
            for event in events
        )
        return Append(stream, expected_version, new)


def _fold(stream: Sequence[Recorded]) -> Case | None:
    case: Case | None = None
    for recorded in stream:
        try:
            case = evolve(case, read_fact(recorded), recorded.occurred_on)
        except BrokenHistory as error:
            raise UnreadableRecord(f"{recorded}: {error}") from error
    return case


def _outcome(submission: Submission, decision: Decision) -> SubmissionApplied | SubmissionRefused:
    case = submission.statement.case
    if isinstance(decision, Refusal):
        return SubmissionRefused(submission=submission.id, case=case, rule=decision.rule, sentence=decision.sentence)
    return SubmissionApplied(submission=submission.id, case=case, facts=len(decision))
