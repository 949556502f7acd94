"""The audit trail: what casework recorded about each case, as it lies in its ledger.

By whatever rules the facts are counted, what was recorded is the same: the trail is one for all their generations. A
rebuild does not write it anew, it holds it against the ledger and puts right what is not as it is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    Table,
    Text,
    cast,
    exists,
    func,
    select,
)

from eventlog.ledger import LedgerId
from eventlog.tables import quarantine_table, readers_table
from schemas.case import CaseVoided
from services.reporting.decoding import FACT_TYPES

CASE_EVENTS = Table(
    "case_events",
    MetaData(),
    Column("gemeente", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("case_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("type", Text, nullable=False),
    Column("occurred_on", Date, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("partner", Text, nullable=False),
    Column("correlation", Text, nullable=False),
    Column("causation", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
    schema="reporting",
)
READERS, QUARANTINE = readers_table("reporting"), quarantine_table("reporting")


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """One event of a case with its bytes as stored: what a reader of a figure finds at the bottom."""

    gemeente: str
    position: int
    case_id: str
    version: int
    type: str
    occurred_on: date
    recorded_at: datetime
    partner: str
    correlation: str
    causation: str
    data: bytes


_NAMES = [item.name for item in fields(CaseEvent)]
_COLUMNS = ", ".join(_NAMES)
_KINDS = ("text", "bigint", "text", "integer", "text", "date", "timestamptz", "text", "text", "text", "bytea")
# What an earlier generation has had is there already.
_ADD = f"""
    INSERT INTO reporting.case_events ({_COLUMNS})
    SELECT * FROM unnest({", ".join(f"${number}::{kind}[]" for number, kind in enumerate(_KINDS, 1))})
    ON CONFLICT DO NOTHING
"""
# Two readings cost less than a join of them, and nearly always agree.
_EQUAL = f"""
    SELECT (SELECT (count(*), sum(hash_record_extended(one, 0))) FROM (
        SELECT {_COLUMNS} FROM casework.events
        WHERE gemeente = $1 AND position > $2 AND position <= $3 AND type = ANY($4)
    ) AS one) IS NOT DISTINCT FROM (SELECT (count(*), sum(hash_record_extended(one, 0))) FROM (
        SELECT {_COLUMNS} FROM reporting.case_events WHERE gemeente = $1 AND position > $2 AND position <= $3
    ) AS one)
"""
_TAKE_OUT = f"""
    DELETE FROM reporting.case_events AS kept
    WHERE gemeente = $1 AND position > $2 AND position <= $3 AND NOT EXISTS (
        SELECT FROM casework.events AS event WHERE gemeente = $1 AND position > $2 AND position <= $3
        AND ({", ".join(f"event.{name}" for name in _NAMES)}) = ({", ".join(f"kept.{name}" for name in _NAMES)})
    )
    RETURNING position
"""
_ADD_MISSING = f"""
    WITH added AS (
        INSERT INTO reporting.case_events ({_COLUMNS})
        SELECT {_COLUMNS} FROM casework.events AS event
        WHERE gemeente = $1 AND position > $2 AND position <= $3 AND type = ANY($4)
        AND NOT EXISTS (
            SELECT FROM reporting.case_events AS kept
            WHERE gemeente = $1 AND position > $2 AND position <= $3 AND kept.position = event.position
        )
        AND NOT EXISTS (
            SELECT FROM reporting.quarantine AS held
            WHERE held.reader = $5 AND held.ledger = $6 AND held.position = event.position
        )
        ON CONFLICT DO NOTHING
        RETURNING position
    )
    SELECT count(*), min(position) FROM added WHERE position <> ALL($7::bigint[])
"""


async def add_events(connection: Any, events: Sequence[CaseEvent]) -> None:
    """What is there already stays as it is."""
    if events:
        await connection.execute(_ADD, *([getattr(event, name) for event in events] for name in _NAMES))


async def hold_against_ledger(connection: Any, ledger: LedgerId, reader: str, after: int, up_to: int) -> list[str]:
    """Make the trail what the ledger says of `after` < position <= `up_to`, but for what `reader` has in quarantine.

    Gives a sentence for what was not so.
    """
    part, facts = (ledger.gemeente, after, up_to), list(FACT_TYPES)
    if await connection.fetchval(_EQUAL, *part, facts):
        return []
    taken_out = [row[0] for row in await connection.fetch(_TAKE_OUT, *part)]
    missing, first = await connection.fetchrow(_ADD_MISSING, *part, facts, reader, str(ledger), taken_out)
    found = []
    if taken_out:
        found.append(f"{ledger}: {len(taken_out)} in the audit trail were not as recorded, first {min(taken_out)}")
    if missing:
        found.append(f"{ledger}: {missing} were missing from the audit trail, first {first}")
    return found


def events_of(reader: str, source: str, case: str, segment: int) -> Select[Any]:
    """What was recorded about one segment, in order; that the whole case was voided belongs to each of them.

    What `reader` of `source` has not had yet, or holds in quarantine, is left out: its figures do not count it.
    """
    events = CASE_EVENTS.c
    ledger = func.concat(f"{source}/", events.gemeente)
    had = select(READERS.c.position).where(READERS.c.reader == reader, READERS.c.ledger == ledger)
    held = QUARANTINE.c
    waits = exists().where(held.reader == reader, held.ledger == ledger, held.position == events.position)
    named = cast(cast(func.convert_from(events.data, "UTF8"), JSON)["segment"].as_string(), Integer)
    about = (named == segment) | (events.type == CaseVoided.type)
    query = select(CASE_EVENTS).where(events.case_id == case, about)
    return query.where(events.position <= had.scalar_subquery(), ~waits).order_by(events.position)
