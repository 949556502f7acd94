"""How the rows a batch touches come from the tables and go back: one query per table, however large the batch."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any, cast

import msgspec
from sqlalchemy import ARRAY, Table, Text, any_, select, text
from sqlalchemy import cast as sql_cast
from sqlalchemy.ext.asyncio import AsyncConnection

from services.reporting.facts import CASE_EVENTS, REFERRALS, SEGMENTS, CaseEvent, Referral, Segment
from services.reporting.generations import on_generation, schema_of
from services.reporting.working_set import WorkingSet

_EVENT_COLUMNS = [item.name for item in fields(CaseEvent)]


async def load(tx: AsyncConnection, generation: int, gemeente: str, cases: Iterable[str]) -> WorkingSet:
    """All rows of `cases`, locked by nobody: a generation has one reader, whose position is locked."""
    facts = await on_generation(tx, generation)
    asked = any_(sql_cast(list(cases), ARRAY(Text)))
    rows = WorkingSet(gemeente)
    for row in await facts.execute(
        select(SEGMENTS).where(SEGMENTS.c.gemeente == gemeente, SEGMENTS.c.case_id == asked)
    ):
        found = row._asdict() | {"referred_to": tuple(row.referred_to)}
        rows.segments[row.case_id, row.segment] = Segment(**found)
    query = select(REFERRALS).where(REFERRALS.c.gemeente == gemeente, REFERRALS.c.case_id == asked)
    for row in await facts.execute(query):
        rows.referrals[row.case_id, row.referral] = Referral(**row._asdict())
    return rows


async def save(tx: AsyncConnection, generation: int, rows: WorkingSet) -> None:
    """Write back what was changed."""
    segments, referrals = rows.to_write()
    await _upsert(tx, generation, SEGMENTS, segments)
    await _upsert(tx, generation, REFERRALS, referrals)
    driver = cast(Any, (await tx.get_raw_connection()).driver_connection)
    await driver.copy_records_to_table(
        CASE_EVENTS.name,
        schema_name=schema_of(generation),
        columns=_EVENT_COLUMNS,
        records=map(attrgetter(*_EVENT_COLUMNS), rows.new_events),
    )


async def _upsert(
    tx: AsyncConnection, generation: int, table: Table, rows: Sequence[Segment] | Sequence[Referral]
) -> None:
    if not rows:
        return
    name = f"{schema_of(generation)}.{table.name}"
    keys = [column.name for column in table.primary_key]
    changes = ", ".join(
        f"{column.name} = excluded.{column.name}" for column in table.columns if column.name not in keys
    )
    # One statement and one parameter for any number of rows, arrays and dates included.
    statement = (
        f"INSERT INTO {name} SELECT * FROM jsonb_populate_recordset(NULL::{name}, cast(:rows AS jsonb))"
        f" ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changes}"
    )
    await tx.execute(text(statement), {"rows": msgspec.json.encode(rows).decode()})
