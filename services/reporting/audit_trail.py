"""The audit trail: what casework recorded about each case, as it lies in its ledger.

By whatever rules the facts are counted, what was recorded is the same: the trail is one for all their generations. A
rebuild does not write it anew, it holds it against the ledger and puts right what is not as it is there.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import JSON, Column, Integer, MetaData, Select, Table, cast, exists, func, select

from eventlog.errors import Standstill
from eventlog.ledger import LedgerId, Recorded
from eventlog.one_statement import as_rows
from eventlog.tables import events_table, quarantine_table
from schemas.case import CaseVoided
from services.reporting.decoding import FACT_TYPES
from services.reporting.kept_generations import LIVE_READER, READERS

_NAMES = (
    "gemeente",
    "position",
    "case_id",
    "version",
    "type",
    "occurred_on",
    "recorded_at",
    "partner",
    "correlation",
    "causation",
    "data",
)
_LEDGER = events_table("casework")
CASE_EVENTS = Table(
    "case_events", MetaData(), *(Column(name, _LEDGER.c[name].type) for name in _NAMES), schema="reporting"
)
"""Columns of casework's ledger, in the order of the table that a migration made."""

QUARANTINE = quarantine_table("reporting")
_NO_END = 2**62

_COLUMNS = ", ".join(_NAMES)


def _row(alias: str) -> str:
    return f"({', '.join(f'{alias}.{name}' for name in _NAMES)})"


def add_new(rows: str, where: str = "") -> str:
    """A statement that adds the events of the parameter `rows`; it fails where the trail has one of them."""
    # They come in the form that every ledger's have, reporting's own too.
    new = f"SELECT {_COLUMNS} FROM unnest({rows}::reporting.events[]) {where}"
    return f"INSERT INTO reporting.case_events ({_COLUMNS}) {new}"


_ADD = f"{add_new('$1')} ON CONFLICT DO NOTHING"
_OTHER = f"""
    SELECT new.gemeente, new.position FROM unnest($1::reporting.events[]) AS new
    JOIN reporting.case_events AS kept USING (gemeente, position) WHERE {_row("new")} <> {_row("kept")} LIMIT 1
"""
EVENTS_BESIDE_TRAIL = """
    casework.events AS event LEFT JOIN reporting.case_events AS kept
    ON kept.gemeente = $1 AND kept.position > $2 AND kept.position <= $3 AND kept.position = event.position
    WHERE event.gemeente = $1 AND event.position > $2 AND event.position <= $3
"""
IS_AS_RECORDED = f"""
    CASE WHEN kept.position IS NULL THEN event.type NOT IN ({", ".join(f"'{one}'" for one in FACT_TYPES)})
    ELSE {_row("event")} = {_row("kept")} END
"""
"""Of EVENTS_BESIDE_TRAIL: whether the trail has of the event what it should."""

_ALL_AS_RECORDED = f"SELECT NOT EXISTS (SELECT FROM {EVENTS_BESIDE_TRAIL} AND ({IS_AS_RECORDED}) IS NOT TRUE)"
_TAKE_OUT = f"""
    DELETE FROM reporting.case_events AS kept
    WHERE gemeente = $1 AND position > $2 AND position <= $3 AND NOT EXISTS (
        SELECT FROM casework.events AS event WHERE gemeente = $1 AND position > $2 AND position <= $3
        AND {_row("event")} = {_row("kept")}
    )
    RETURNING position
"""
# Not with an anti-join to the trail: it would go through what this very statement has added, again and again.
_ADD_MISSING = f"""
    INSERT INTO reporting.case_events ({_COLUMNS})
    SELECT {_COLUMNS} FROM casework.events AS event
    WHERE gemeente = $1 AND position > $2 AND position <= $3 AND type = ANY($4) AND NOT EXISTS (
        SELECT FROM reporting.quarantine AS held
        WHERE held.reader = $5 AND held.ledger = $6 AND held.position = event.position AND held.position <> ALL($7)
    )
    ON CONFLICT DO NOTHING
    RETURNING position
"""

_HELD_LIVE = f"""
    SELECT position FROM reporting.quarantine
    WHERE reader = ({LIVE_READER}) AND ledger = $1 AND position = ANY($2)
"""


class OtherTrail(Standstill):
    """The audit trail has another event where a reader would add one."""

    def __init__(self, gemeente: str, position: int) -> None:
        super().__init__(
            f"the audit trail has another event at {gemeente}/{position} than came now: run `spoorboek replay`, which "
            "holds it against the ledger and puts it right"
        )


async def add_events(connection: Any, events: Sequence[Recorded], beside: str, *asked: Any) -> None:
    """In one statement with `beside`, whose parameters `asked` count from $2: a round trip costs more than it does.

    What an earlier generation has had is there already; raises OtherTrail where it is something else.
    """
    rows = list(as_rows(events))
    done = await connection.execute(f"WITH beside AS ({beside}) {_ADD}", rows, *asked)
    if done != f"INSERT 0 {len(rows)}" and (other := await connection.fetchrow(_OTHER, rows)):
        raise OtherTrail(other[0], other[1])


async def put_right(connection: Any, ledger: LedgerId, reader: str, after: int, up_to: int) -> list[str]:
    """Make the trail what the ledger says, but for what `reader` has in quarantine; a sentence for what was not so."""
    part = ledger.gemeente, after, up_to
    if await connection.fetchval(_ALL_AS_RECORDED, *part):
        return []  # Also where something before it is held in quarantine for ever, and wrong each time.
    found, taken_out = await _take_out(connection, ledger, after, up_to)
    held = reader, str(ledger), taken_out
    added = await connection.fetch(_ADD_MISSING, *part, list(FACT_TYPES), *held)
    missing = {row[0] for row in added}.difference(taken_out)
    # The live facts hold these, and so nobody had added them yet.
    missing -= {row[0] for row in await connection.fetch(_HELD_LIVE, str(ledger), list(missing))}
    if missing:
        found.append(f"{ledger}: {len(missing)} were missing from the audit trail, first {min(missing)}")
    return found


async def take_out_beyond(connection: Any, ledger: LedgerId, after: int) -> list[str]:
    """Take out what stands past `after`, or before the first, and is not in the ledger; a sentence for what was."""
    return [
        *(await _take_out(connection, ledger, -_NO_END, 0))[0],
        *(await _take_out(connection, ledger, after, _NO_END))[0],
    ]


async def _take_out(connection: Any, ledger: LedgerId, after: int, up_to: int) -> tuple[list[str], list[int]]:
    positions = [row[0] for row in await connection.fetch(_TAKE_OUT, ledger.gemeente, after, up_to)]
    if not positions:
        return [], []
    return [f"{ledger}: {len(positions)} in the audit trail were not as recorded, first {min(positions)}"], positions


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
