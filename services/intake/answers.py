"""Telling partners: casework's outcomes join each submission's stream, and every answer goes to the partner's topic."""

from collections.abc import Collection, Sequence

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from eventlog.errors import VersionConflict
from eventlog.ledger import Append, Ledger, LedgerId, NewEvent, Recorded
from eventlog.wire import Outgoing, cloudevent_headers
from schemas.submission import ANSWERS, SubmissionApplied, SubmissionRefused
from services.intake.fate import stream_of
from services.runtime import Publish

_OUTCOMES = frozenset({SubmissionApplied.type, SubmissionRefused.type})
_ANSWERS = frozenset(answer.type for answer in ANSWERS)
# The digest is ours to compare with; the statement is the partner's own, here with our pseudonyms and sealed texts.
_NOT_TOLD = ("content", "statement")

log = structlog.get_logger()


class Outcomes:
    """A reactor: copies what casework made of a submission to the submission's own stream, once."""

    name = "outcomes"
    source = "casework"

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def handle(self, tx: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        waiting: dict[str, Recorded] = {}
        for event in events:
            if event.type in _OUTCOMES:
                waiting.setdefault(stream_of(event.correlation), event)
        while waiting:
            streams = await self._ledger.read_streams(tx, ledger.gemeente, list(waiting))
            appends = [
                Append(stream, len(streams[stream]), (_copy(outcome),))
                for stream, outcome in waiting.items()
                if _is_expected(streams[stream], outcome)
            ]
            if not appends:
                return
            done = await self._ledger.append(tx, ledger.gemeente, appends)
            # A contest came in between reading and the lock; under the lock it cannot happen again.
            moved_on = {conflict.stream for conflict in done if isinstance(conflict, VersionConflict)}
            waiting = {stream: outcome for stream, outcome in waiting.items() if stream in moved_on}


class Answers:
    """A publisher: tells each partner on `answers.<partner>` what became of its submissions."""

    name = "answers"
    source = "intake"

    def __init__(self, publish: Publish, partners: Collection[str]) -> None:
        """`partners` are those that have a topic: one that left must not hold up the answers of the others."""
        self._publish = publish
        self._partners = frozenset(partners)

    async def handle(self, tx: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        """Told again after a crash in between: the id of an answer stays the same, so its reader can tell."""
        answers = [event for event in events if event.type in _ANSWERS]
        for partner in {event.partner for event in answers} - self._partners:
            log.warning("partner has left, its answers are read over HTTP only", partner=partner, ledger=str(ledger))
        await self._publish([answer_of(event) for event in answers if event.partner in self._partners])


def topic_for(partner_id: str) -> str:
    return f"answers.{partner_id}"


def answer_of(event: Recorded) -> Outgoing:
    """The record for the partner: binary CloudEvent, its id the submission and the version in its stream."""
    attributes = event.attributes() | {"id": f"{event.correlation}/{event.version}", "subject": event.correlation}
    told = {name: value for name, value in msgspec.json.decode(event.data).items() if name not in _NOT_TOLD}
    return Outgoing(
        topic=topic_for(event.partner),
        key=event.ledger.gemeente.encode(),
        headers=cloudevent_headers(attributes),
        value=msgspec.json.encode(told, order="sorted"),
    )


def _is_expected(stream: Sequence[Recorded], outcome: Recorded) -> bool:
    """The second guard beside the reader's position: a submission has one outcome."""
    if not stream:
        log.error("outcome without a submission", ledger=str(outcome.ledger), position=outcome.position)
        return False
    return not any(event.type in _OUTCOMES for event in stream)


def _copy(outcome: Recorded) -> NewEvent:
    return NewEvent(
        type=outcome.type,
        data=outcome.data,
        occurred_on=outcome.occurred_on,
        partner=outcome.partner,
        correlation=outcome.correlation,
        causation=str(outcome),
        case=outcome.case,
    )
