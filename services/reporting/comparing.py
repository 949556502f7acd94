"""Two generations of the facts, compared row by row at equal positions."""

from collections.abc import Sequence

from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.reporting.facts import FACTS
from services.reporting.generations import schema_of

SHOWN_PER_TABLE = 20


async def differences(tx: AsyncConnection, live: int, built: int) -> list[str]:
    """A sentence per row that the two do not share, the first SHOWN_PER_TABLE of each table and side."""
    found: list[str] = []
    for table in FACTS.sorted_tables:
        columns = await _shared_columns(tx, table, live, built)
        if not columns:
            found.append(f"{table.name}: only generation {built} has this table")
            continue
        one_way = await _missing(tx, table, columns, live, built)
        other_way = await _missing(tx, table, columns, built, live)
        found += one_way[:SHOWN_PER_TABLE] + other_way[:SHOWN_PER_TABLE]
        if (more := len(one_way) + len(other_way)) > 2 * SHOWN_PER_TABLE:
            found.append(f"{table.name}: and more, {more} or above in all")
    return found


async def _shared_columns(tx: AsyncConnection, table: Table, live: int, built: int) -> list[str]:
    query = text(
        "SELECT column_name FROM information_schema.columns WHERE table_name = :table"
        " AND table_schema IN (:live, :built) GROUP BY column_name HAVING count(*) = 2 ORDER BY column_name"
    )
    names = {"table": table.name, "live": schema_of(live), "built": schema_of(built)}
    return list((await tx.execute(query, names)).scalars())


async def _missing(tx: AsyncConnection, table: Table, columns: Sequence[str], there: int, here: int) -> list[str]:
    listed = ", ".join(columns)
    keys = " || '/' || ".join(f"odd.{column.name}" for column in table.primary_key)
    query = text(
        f"SELECT {keys} AS key, to_jsonb(odd) AS row FROM (SELECT {listed} FROM {schema_of(there)}.{table.name}"
        f" EXCEPT SELECT {listed} FROM {schema_of(here)}.{table.name}) AS odd ORDER BY 1 LIMIT {SHOWN_PER_TABLE + 1}"
    )
    rows = await tx.execute(query)
    return [f"{table.name} {row.key}: generation {there} has {row.row}, generation {here} has not" for row in rows]
