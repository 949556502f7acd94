"""Turns appends into events with positions and versions: the one rule that both kinds of ledger follow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from eventlog.errors import VersionConflict
from eventlog.ledger import Append, LedgerId, Outcome, Recorded
from eventlog.merkle import Frontier, leaf_hash


@dataclass(frozen=True, slots=True)
class Sequenced:
    """What to store, what to tell each caller, and the tree afterwards."""

    events: list[Recorded]
    outcomes: list[Outcome]
    frontier: Frontier


def sequence(
    ledger: LedgerId,
    frontier: Frontier,
    versions: Mapping[str, int],
    recorded_at: datetime,
    appends: Sequence[Append],
) -> Sequenced:
    """Give each event of `appends` its position and version, in order, or its caller the conflict.

    `versions` holds the number of events of each stream that exists already.
    """
    found = dict(versions)
    events: list[Recorded] = []
    outcomes: list[Outcome] = []
    position = frontier.size
    for append in appends:
        version = found.get(append.stream, 0)
        if version != append.expected_version:
            outcomes.append(VersionConflict(append.stream, append.expected_version, version))
            continue
        recorded = _numbered(ledger, position, version, recorded_at, append)
        position += len(recorded)
        found[append.stream] = version + len(recorded)
        events.extend(recorded)
        outcomes.append(recorded)
    return Sequenced(events, outcomes, frontier.extend([leaf_hash(event.leaf()) for event in events]))


def _numbered(ledger: LedgerId, position: int, version: int, recorded_at: datetime, append: Append) -> list[Recorded]:
    return [
        Recorded(
            ledger=ledger,
            position=position + index,
            stream=append.stream,
            version=version + index,
            type=event.type,
            occurred_on=event.occurred_on,
            recorded_at=recorded_at,
            partner=event.partner,
            correlation=event.correlation,
            causation=event.causation,
            data=event.data,
            case=event.case,
        )
        for index, event in enumerate(append.events, start=1)
    ]
