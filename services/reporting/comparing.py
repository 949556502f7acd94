"""Two generations of the facts at equal positions: equal by the hashes of their rows, or told apart row by row.

A case that is held in one of them alone has another row there, or none, and that is no difference of the facts.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.reporting.facts import FACTS
from services.reporting.held import held_apart, holding_apart
from services.reporting.kept_generations import schema_of
from services.reporting.reader import SOURCE

SHOWN_PER_TABLE = 20

_OF_THE_ROW = f"apart.ledger = '{SOURCE}/' || kept.gemeente AND apart.case_id = kept.case_id"


async def differences(tx: AsyncConnection, live: int, built: int) -> list[str]:
    """A sentence per row that the two do not share, the first SHOWN_PER_TABLE of each table, and how many there are.

    Of cases that are held apart nothing is said.
    """
    found: list[str] = []
    # Only where there are some: the live facts stand still while rows are compared.
    is_apart = await held_apart(tx, live, built) > 0
    but = f"WHERE NOT EXISTS (SELECT FROM ({holding_apart(live, built)}) AS apart WHERE {_OF_THE_ROW})" * is_apart
    for table in FACTS.sorted_tables:
        one, other = [await _columns(tx, table, number) for number in (live, built)]
        if not one:
            found.append(f"{table.name}: only generation {built} has this table")
            continue
        found += (f"{table.name}: {said}" for said in _columns_apart(one, other, live, built))
        shared = [name for name in one if one[name] == other.get(name)]
        if not {column.name for column in table.primary_key} <= set(shared):
            found.append(f"{table.name}: its rows have other keys, by which they cannot be held against each other")
        else:
            listed = ", ".join(f"kept.{name}" for name in shared)
            rows = [f"SELECT {listed} FROM {schema_of(number)}.{table.name} AS kept {but}" for number in (live, built)]
            if not await _are_equal(tx, rows):
                found += await _told_apart(tx, table, rows, live, built)
    return found


def _columns_apart(one: Mapping[str, str], other: Mapping[str, str], live: int, built: int) -> Iterator[str]:
    for name in sorted(one.keys() ^ other.keys()):
        yield f"only generation {live if name in one else built} has {name}"
    for name in sorted(one.keys() & other.keys()):
        if one[name] != other[name]:
            yield f"{name} was of type {one[name]}, is of type {other[name]}"


async def _columns(tx: AsyncConnection, table: Table, number: int) -> dict[str, str]:
    """name -> type"""
    query = text(
        "SELECT column_name, udt_name FROM information_schema.columns"
        " WHERE table_name = :table AND table_schema = :schema ORDER BY column_name"
    )
    return {name: kind for name, kind in await tx.execute(query, {"table": table.name, "schema": schema_of(number)})}


async def _are_equal(tx: AsyncConnection, rows: Sequence[str]) -> bool:
    """By how many rows they have and the sum of a 64-bit hash of each; their order does not matter."""
    digest = "SELECT count(*), sum(hash_record_extended(one, 0)) FROM"
    # One query for both: PostgreSQL goes through them side by side.
    one, other = (await tx.execute(text(" UNION ALL ".join(f"{digest} ({query}) AS one" for query in rows)))).all()
    return one == other


async def _told_apart(tx: AsyncConnection, table: Table, rows: Sequence[str], live: int, built: int) -> list[str]:
    keys = [column.name for column in table.primary_key]
    same = " AND ".join(f"one.{key} = other.{key}" for key in keys)
    name = " || '/' || ".join(f"coalesce(one.{key}, other.{key})" for key in keys)
    query = text(
        f"SELECT {name} AS key, to_jsonb(one) AS one, to_jsonb(other) AS other, count(*) OVER () AS rows"
        f" FROM ({rows[0]}) AS one FULL JOIN ({rows[1]}) AS other ON {same}"
        f" WHERE one IS DISTINCT FROM other ORDER BY 1 LIMIT {SHOWN_PER_TABLE}"
    )
    apart = (await tx.execute(query)).all()
    told = [f"{table.name} {row.key}: {_change(row.one, row.other, live, built)}" for row in apart]
    if apart and (more := apart[0].rows - len(apart)):
        told.append(f"{table.name}: and {more} more")
    return told


def _change(one: dict[str, Any] | None, other: dict[str, Any] | None, live: int, built: int) -> str:
    """`minutes was 31, is 30`; a row that one of them lacks is shown whole."""
    if one is None:
        return f"generation {live} has no such row, generation {built} has {other}"
    if other is None:
        return f"generation {live} has {one}, generation {built} has no such row"
    changed = sorted(name for name in one if one[name] != other[name])
    return ", ".join(f"{name} was {one[name]}, is {other[name]}" for name in changed)
