"""What a generation says of itself, beside its tables: by which rules and for what it was built, and how far it is."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

REBUILD, KNOWN = "rebuild", "as known"


@dataclass(frozen=True, slots=True)
class About:
    """`known_on` is a day or a position, as people write it; empty for a generation that follows the ledger."""

    fingerprint: str
    purpose: str = REBUILD
    known_on: str = ""
    finished: bool = False


@dataclass(frozen=True, slots=True)
class Reached:
    """How far one ledger is in a generation under way: the rows up to `position`, the audit trail up to `audited`."""

    ledger: str
    position: int
    audited: int
    target: int


async def write_about(tx: AsyncConnection, schema: str, about: About) -> None:
    await tx.execute(
        text(f"""
        CREATE TABLE {schema}.about (
            single boolean PRIMARY KEY DEFAULT true CHECK (single),
            fingerprint text NOT NULL,
            purpose text NOT NULL,
            known_on text NOT NULL,
            finished boolean NOT NULL,
            made_at timestamptz NOT NULL DEFAULT now()
        )""")
    )
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
    said: dict[str, Any] = {
        "fingerprint": about.fingerprint,
        "purpose": about.purpose,
        "known_on": about.known_on,
        "finished": about.finished,
    }
    names = ", ".join(said)
    values = ", ".join(f":{name}" for name in said)
    await tx.execute(text(f"INSERT INTO {schema}.about ({names}) VALUES ({values})"), said)


async def read_about(tx: AsyncConnection, schema: str) -> About | None:
    """None for a generation that was made before they said something of themselves."""
    if not (await tx.execute(text("SELECT to_regclass(:name)"), {"name": f"{schema}.about"})).scalar_one():
        return None
    query = text(f"SELECT fingerprint, purpose, known_on, finished FROM {schema}.about")
    row = (await tx.execute(query)).one()
    return About(row.fingerprint, row.purpose, row.known_on, row.finished)


async def read_put_right(tx: AsyncConnection, schema: str) -> list[str]:
    """What in the audit trail was not as recorded when the generation was built, and was put right."""
    return list((await tx.execute(text(f"SELECT sentence FROM {schema}.put_right ORDER BY 1"))).scalars())


async def mark_finished(tx: AsyncConnection, schema: str) -> None:
    await tx.execute(text(f"UPDATE {schema}.about SET finished = true"))


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


async def forget_progress(tx: AsyncConnection, schema: str) -> None:
    """From now on a reader moves the generation on; nobody may build on it."""
    await tx.execute(text(f"DROP TABLE {schema}.progress"))


async def read_progress(tx: AsyncConnection, schema: str) -> list[Reached]:
    rows = await tx.execute(text(f"SELECT ledger, position, audited, target FROM {schema}.progress ORDER BY ledger"))
    return [Reached(row.ledger, row.position, row.audited, row.target) for row in rows]
