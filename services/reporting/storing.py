"""How the rows a batch touches come from the tables and go back: one query per table, however large the batch."""

from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Any

import msgspec
from asyncpg import UniqueViolationError
from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from eventlog.connections import driver_in, driver_of
from eventlog.one_statement import as_rows
from eventlog.step import Step, at_the_reader, move_if
from services.reporting.audit_trail import add_events, add_new
from services.reporting.facts import REFERRALS, SEGMENTS, Referral, Segment
from services.reporting.generations import hold_if
from services.reporting.kept_generations import schema_of
from services.reporting.working_set import WorkingSet


async def load(
    tx: AsyncConnection, generation: int, gemeente: str, cases: Iterable[str], answered: Collection[str]
) -> WorkingSet:
    """The segments of `cases` and the referrals of those that are `answered`.

    Locked by nobody: a generation has one reader, whose position is locked.
    """
    rows = WorkingSet(gemeente)
    for row in await _of_cases(tx, generation, SEGMENTS, gemeente, cases):
        found = dict(row) | {"referred_to": tuple(row["referred_to"])}
        rows.segments[row["case_id"], row["segment"]] = Segment(**found)
    if answered:
        for row in await _of_cases(tx, generation, REFERRALS, gemeente, answered):
            rows.referrals[row["case_id"], row["referral"]] = Referral(**row)
    return rows


async def _of_cases(
    tx: AsyncConnection, generation: int, table: Table, gemeente: str, cases: Iterable[str]
) -> Sequence[Any]:
    # Case by case, each by its index, however short the table was when the plan was made.
    query = (
        f"SELECT kept.* FROM unnest($2::text[]) AS asked(case_id) CROSS JOIN LATERAL (SELECT * FROM"
        f" {schema_of(generation)}.{table.name} WHERE gemeente = $1 AND case_id = asked.case_id"
        f" ORDER BY {', '.join(column.name for column in table.primary_key)}) AS kept"
    )
    rows: Sequence[Any] = await driver_of(tx).fetch(query, gemeente, list(cases))
    return rows


async def save(tx: AsyncConnection, generation: int, rows: WorkingSet) -> None:
    """Write back what was changed, and add to the audit trail what it was changed by."""
    segments, referrals = rows.to_write()
    if referrals:
        await driver_in(tx).execute(_upsert(generation, REFERRALS, "$1"), _as_json(referrals))
    await add_events(driver_in(tx), rows.new_events, _upsert(generation, SEGMENTS, "$2"), _as_json(segments))


async def save_with(
    connection: AsyncConnection, generation: int, rules: str, step: Step, rows: WorkingSet
) -> int | None:
    """The same and the reader's `step` in one statement, if `generation` is live, by the `rules` that are ours.

    The transaction that did both; None where it cannot be done like this, and then nothing of it is.
    """
    segments, referrals = rows.to_write()
    asked = *step.parameters, generation, rules, _as_json(referrals), _as_json(segments), list(as_rows(rows.new_events))
    try:
        written_by: int | None = await driver_of(connection).fetchval(_all_at_once(generation), *asked)
    except UniqueViolationError:
        return None  # The audit trail has one of these already: whether it is the same must be looked at.
    return written_by


@cache
def _all_at_once(generation: int) -> str:
    moved = "WHERE EXISTS (SELECT FROM moved)"
    return (
        f"WITH here AS ({at_the_reader('reporting', 1)}),"
        f" live AS ({hold_if('$6', '$7', 'SELECT FROM here')}),"
        f" moved AS ({move_if('reporting', 1, 'SELECT FROM live')}),"
        f" referrals AS ({_upsert(generation, REFERRALS, '$8', moved)}),"
        f" segments AS ({_upsert(generation, SEGMENTS, '$9', moved)}),"
        f" trail AS ({add_new('$10', moved)})"
        f" SELECT xmin FROM moved"
    )


@cache
def _upsert(generation: int, table: Table, rows: str, where: str = "") -> str:
    """One statement and one parameter, `rows`, for any number of them, arrays and dates included."""
    name = f"{schema_of(generation)}.{table.name}"
    keys = [column.name for column in table.primary_key]
    changes = ", ".join(
        f"{column.name} = excluded.{column.name}" for column in table.columns if column.name not in keys
    )
    return (
        f"INSERT INTO {name} SELECT * FROM jsonb_populate_recordset(NULL::{name}, {rows}::text::jsonb) {where}"
        f" ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changes}"
    )


def _as_json(rows: Sequence[Segment] | Sequence[Referral]) -> str:
    return msgspec.json.encode(rows).decode()
