"""How far a generation under way is in each ledger, beside its tables, and what it put right on its way."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Reached:
    """How far one ledger is in a generation under way: the rows up to `position`, the audit trail up to `audited`."""

    ledger: str
    position: int
    audited: int
    target: int


async def create_progress(tx: AsyncConnection, schema: str) -> None:
    await tx.execute(
        text(f"""
        CREATE TABLE {schema}.progress (
            ledger text PRIMARY KEY,
            position bigint NOT NULL,
            frontier bytea NOT NULL,
            audited bigint NOT NULL,
            target bigint NOT NULL
        )""")
    )
    await tx.execute(text(f"CREATE TABLE {schema}.put_right (sentence text NOT NULL)"))


async def read_put_right(tx: AsyncConnection, schema: str) -> list[str]:
    """What in the audit trail was not as recorded when the generation was built, and was put right."""
    return list((await tx.execute(text(f"SELECT sentence FROM {schema}.put_right ORDER BY 1"))).scalars())


async def start_ledger(tx: AsyncConnection, schema: str, ledger: str, target: int) -> None:
    """Name the ledger and how far it is to be built; what was reached before stays.

    The position is kept for the reader that will go on from there, too.
    """
    await tx.execute(
        text(
            "INSERT INTO reporting.readers (reader, ledger, position) VALUES (:reader, :ledger, 0)"
            " ON CONFLICT DO NOTHING"
        ),
        {"reader": schema, "ledger": ledger},
    )
    await tx.execute(
        text(
            f"INSERT INTO {schema}.progress VALUES (:ledger, 0, '', 0, :target)"
            " ON CONFLICT (ledger) DO UPDATE SET target = excluded.target"
        ),
        {"ledger": ledger, "target": target},
    )


async def read_progress(tx: AsyncConnection, schema: str) -> list[Reached]:
    rows = await tx.execute(text(f"SELECT ledger, position, audited, target FROM {schema}.progress ORDER BY ledger"))
    return [Reached(row.ledger, row.position, row.audited, row.target) for row in rows]
