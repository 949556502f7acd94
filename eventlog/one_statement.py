"""An append in one statement and one round trip: for a ledger whose head this process itself left as it is.

The head is compared and set, so events that were numbered for it are stored if nobody else wrote meanwhile, and else
not at all. Taking the head's lock and asking for versions first costs six round trips and is the way when this one
does not go.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asyncpg import Connection, UniqueViolationError
from sqlalchemy.ext.asyncio import AsyncConnection

from eventlog.connections import driver_in
from eventlog.ledger import Recorded
from eventlog.merkle import Frontier
from eventlog.sequencing import Sequenced
from eventlog.step import Step, at_the_reader, move_if

# The unique constraint on (gemeente, stream, version) finds the streams that are further than expected; that one is
# less far, no constraint says, so $8 and $9 name the last event that must be there of each stream that should exist.
# Each is looked up by itself, which LATERAL with a LIMIT makes sure of: a plan that was made while the ledger was
# short, and is kept as it grows, would go through all of it.
_HEAD = """
    UPDATE {service}.heads SET size = $4, frontier = $5, root = $6, recorded_at = $7
    WHERE gemeente = $1 AND size = $2 AND root = $3 AND NOT EXISTS (
        SELECT FROM unnest($8::text[], $9::integer[]) AS expected(stream, version) LEFT JOIN LATERAL (
            SELECT version FROM {service}.events
            WHERE gemeente = $1 AND stream = expected.stream AND version = expected.version LIMIT 1
        ) AS stored ON true WHERE stored.version IS NULL
    ){also}
    RETURNING size
"""
_INSERT = """
    INSERT INTO {service}.events
    SELECT new.* FROM unnest($10::{service}.events[]) AS new WHERE EXISTS (SELECT FROM head)
"""
_STEP_FROM = 11
# Within a transaction that has other effects, a violation of the constraint would undo them: so this looks first.
_UNLESS_FURTHER = """ AND NOT EXISTS (
            SELECT FROM unnest($10::{service}.events[]) AS new CROSS JOIN LATERAL (
                SELECT FROM {service}.events
                WHERE gemeente = $1 AND stream = new.stream AND version = new.version LIMIT 1
            ) AS stored
        )"""


@dataclass(frozen=True, slots=True)
class Tip:
    """The end of a ledger, from which the next events can be numbered."""

    frontier: Frontier
    recorded_at: datetime


class Tips:
    """Where each ledger seems to end, as far as this process knows: a guess, which is held against the head."""

    def __init__(self) -> None:
        self._tips: dict[str, Tip] = {}

    def get(self, gemeente: str) -> Tip | None:
        return self._tips.get(gemeente)

    def take(self, gemeente: str) -> Tip | None:
        """The tip, forgotten until it is remembered again."""
        return self._tips.pop(gemeente, None)

    def remember(self, gemeente: str, tip: Tip) -> None:
        """Keep `tip`, or a later one that another transaction of this process left meanwhile."""
        known = self._tips.get(gemeente)
        if known is None or known.frontier.size < tip.frontier.size:
            self._tips[gemeente] = tip


@dataclass(frozen=True, slots=True)
class Ahead:
    """Appends numbered from `tip`, the first of each stream at the version that its caller expects; then `new_tip`."""

    tip: Tip
    new_tip: Tip
    expected: dict[str, int]
    sequenced: Sequenced


class OneStatement:
    """The statement for the ledgers of `service`."""

    def __init__(self, service: str) -> None:
        insert, here = _INSERT.format(service=service), at_the_reader(service, _STEP_FROM)

        def head(also: str) -> str:
            return _HEAD.format(service=service, also=also)

        self._text = f"WITH head AS ({head('')}) {insert}"
        self._text_within = f"WITH head AS ({head(_UNLESS_FURTHER.format(service=service))}) {insert}"
        self._text_with_step = (
            f"WITH here AS ({here}), head AS ({head(' AND EXISTS (SELECT FROM here)')}), stored AS ({insert})"
            f" {move_if(service, _STEP_FROM, 'SELECT FROM head')}"
        )

    async def store(self, driver: Connection, ahead: Ahead) -> bool:
        """Whether its events are stored and durable; where not, nothing of them is."""
        try:
            return _has_stored(await driver.execute(self._text, *_parameters(ahead)))
        except UniqueViolationError:
            return False

    async def store_within(self, tx: AsyncConnection, ahead: Ahead) -> bool:
        """The same in `tx`, which can go on in either case."""
        return _has_stored(await driver_in(tx).execute(self._text_within, *_parameters(ahead)))

    async def store_with(self, driver: Connection, ahead: Ahead, step: Step) -> int | None:
        """The same, and a reader's step: the transaction that did both, or None where neither is done."""
        try:
            written_by: int | None = await driver.fetchval(self._text_with_step, *_parameters(ahead), *step.parameters)
        except UniqueViolationError:
            return None
        return written_by


def _has_stored(said: object) -> bool:
    return said != "INSERT 0 0"


def _parameters(ahead: Ahead) -> tuple[Any, ...]:
    tip, new_tip, events = ahead.tip, ahead.new_tip, ahead.sequenced.events
    begun = {stream: version for stream, version in ahead.expected.items() if version}
    return (
        events[0].ledger.gemeente,
        tip.frontier.size,
        tip.frontier.root,
        new_tip.frontier.size,
        new_tip.frontier.to_bytes(),
        new_tip.frontier.root,
        new_tip.recorded_at,
        list(begun),
        list(begun.values()),
        list(as_rows(events)),
    )


def as_rows(events: Sequence[Recorded]) -> Iterator[tuple[object, ...]]:
    """In the order of the table's columns."""
    for event in events:
        yield (
            event.ledger.gemeente,
            event.position,
            event.stream,
            event.version,
            event.type,
            event.occurred_on,
            event.recorded_at,
            event.partner,
            event.correlation,
            event.causation,
            event.data,
            event.case,
        )
