"""Telling partners: casework's outcomes join each submission's stream, and every answer goes to the partner's topic."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import msgspec
import structlog
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from eventlog.errors import UnreadableRecord, VersionConflict
from eventlog.ledger import Append, Ledger, LedgerId, NewEvent, Recorded
from eventlog.wire import Outgoing, cloudevent_headers
from schemas.registry import decode
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
        """Raises UnreadableRecord where an outcome cannot be read: in intake's ledger nobody could take it back."""
        waiting: dict[str, Recorded] = {}
        for event in events:
            if event.type in _OUTCOMES:
                _check(event)
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
        await self._publish(list(_readable(event for event in answers if event.partner in self._partners)))


def topic_for(partner_id: str) -> str:
    return f"answers.{partner_id}"


def answer_of(event: Recorded) -> Outgoing:
    """The record for the partner: binary CloudEvent, its id the submission and the version in its stream.

    Raises msgspec.MsgspecError or UnicodeDecodeError where the data is no JSON object.
    """
    attributes = event.attributes() | {"id": f"{event.correlation}/{event.version}", "subject": event.correlation}
    said = msgspec.json.decode(event.data, type=dict[str, Any])
    told = {name: value for name, value in said.items() if name not in _NOT_TOLD}
    return Outgoing(
        topic=topic_for(event.partner),
        key=event.ledger.gemeente.encode(),
        headers=cloudevent_headers(attributes),
        value=msgspec.json.encode(told, order="sorted"),
    )


def _readable(events: Iterable[Recorded]) -> Iterator[Outgoing]:
    """What an earlier version copied unread stays in the ledger; the answers of all others must not wait for it."""
    for event in events:
        try:
            yield answer_of(event)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            log.error(
                "answer not readable, left out: tell its partner what became of the submission",
                partner=event.partner,
                correlation_id=event.correlation,
                ledger=str(event.ledger),
                position=event.position,
            )


def _check(outcome: Recorded) -> None:
    try:
        decode(outcome.type, outcome.data)
    except ValidationError as error:
        raise UnreadableRecord(
            f"{outcome}: not an outcome that intake can read; give intake the version that wrote it, then redrive"
        ) from error


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
