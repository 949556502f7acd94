"""Generations of the facts: which one is live, what its tables are called, and with which rules it was folded.

StaleFacts   the operator: the facts were folded with other rules than this version has; run `spoorboek replay`
"""

import hashlib
import json
from dataclasses import dataclass

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Integer,
    MetaData,
    Table,
    Text,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import CreateIndex, CreateTable

from eventlog.connections import driver_in
from eventlog.errors import Standstill
from schemas.programme import Programmes
from services.reporting.facts import FACTS
from services.reporting.folding import FOLD_VERSION
from services.reporting.half_built import create_progress
from services.reporting.kept_generations import (
    READERS,
    About,
    folded_by,
    forget,
    keep,
    mark_finished,
    reader_name,
    schema_of,
)

GENERATION = Table(
    "generation",
    MetaData(),
    Column("single", Boolean, CheckConstraint("single"), primary_key=True),
    Column("live", Integer, nullable=False),
    Column("previous", Integer),
    Column("fingerprint", Text, nullable=False),
    schema="reporting",
)
"""One row. Who folds holds it FOR SHARE, so a switch, which locks the table, waits for the batches under way."""

FIRST = 1


class StaleFacts(Standstill):
    """The live facts were folded with other rules or tables than this version has."""

    def __init__(self, live: int) -> None:
        super().__init__(
            f"the live facts (generation {live}) were folded with other rules than this version has: "
            "run `spoorboek replay`, which builds them anew beside the live ones and then switches"
        )


_LAZILY = "set_config('synchronous_commit', 'off', true)"
_HOLD = f"SELECT live, previous, fingerprint, {_LAZILY} FROM reporting.generation FOR SHARE"


@dataclass(frozen=True, slots=True)
class Generation:
    live: int
    previous: int | None
    fingerprint: str


async def on_generation(tx: AsyncConnection, number: int) -> AsyncConnection:
    """`tx`, whose queries on the facts tables go to generation `number` from here on."""
    return await tx.execution_options(schema_translate_map={"facts": schema_of(number)})


def fingerprint(programmes: Programmes) -> str:
    """Everything but the events that decides what the rows become: rules, tables, and each programme's age bands."""
    tables = [str(CreateTable(table)) for table in FACTS.sorted_tables]
    bands = {
        programme.id: _hash({code: [band.from_years, band.below_years] for code, band in programme.age_bands.items()})
        for programme in programmes
    }
    return json.dumps({"programmes": bands, "rules": _hash([FOLD_VERSION, tables])}, sort_keys=True)


def programmes_in(fingerprint: str) -> list[str]:
    """The programmes that whoever folded under `fingerprint` knew."""
    return sorted(json.loads(fingerprint)["programmes"])


def departs(kept: str, now: str) -> bool:
    """Whether rows folded under the fingerprint `kept` could be others under `now`; a new programme has no rows yet."""
    before, after = json.loads(kept), json.loads(now)
    bands = before["programmes"].items()
    return before["rules"] != after["rules"] or any(after["programmes"].get(name) != hashed for name, hashed in bands)


def _hash(decides: object) -> str:
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


async def hold_generation(tx: AsyncConnection) -> Generation | None:
    """The live one, to which nobody can switch another before `tx` ends; it is asked for with each batch.

    Nobody waits until the batch is durable: should the database forget it, its position says that it is to be read.
    """
    row = await driver_in(tx).fetchrow(_HOLD)
    return None if row is None else Generation(row[0], row[1], row[2])


def hold_if(number: str, rules: str, also: str) -> str:
    """A query that does the same if the parameter `number` is the live one, by `rules`, and `also` finds something."""
    asked = f"live = {number} AND fingerprint = {rules} AND EXISTS ({also})"
    return f"SELECT {_LAZILY} FROM reporting.generation WHERE {asked} FOR SHARE"


async def find_generation(tx: AsyncConnection, *, update: bool = False) -> Generation | None:
    query = select(GENERATION.c.live, GENERATION.c.previous, GENERATION.c.fingerprint)
    if update:
        # Of the row's lock those who share it could take turns for ever; for the table's they line up behind us.
        await tx.execute(text("LOCK TABLE reporting.generation IN EXCLUSIVE MODE"))
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else Generation(row.live, row.previous, row.fingerprint)


async def ensure_generation(tx: AsyncConnection, programmes: Programmes) -> Generation:
    """The live generation; the first one is made where there is none. Safe for several processes at once."""
    if (found := await find_generation(tx)) is not None:
        return found
    await tx.execute(text("SELECT pg_advisory_xact_lock(hashtext('spoorboek first facts'))"))
    if (found := await find_generation(tx)) is not None:
        return found
    first = Generation(FIRST, None, fingerprint(programmes))
    await create_tables(tx, FIRST, About(first.fingerprint, finished=True))
    row = {"single": True, "live": first.live, "previous": None, "fingerprint": first.fingerprint}
    await tx.execute(insert(GENERATION).values(row))
    return first


async def create_tables(tx: AsyncConnection, number: int, about: About) -> None:
    """Empty tables for generation `number`; what only slows a load down is added by `finish_tables`."""
    await tx.execute(text("SELECT reporting.make_generation(:number)"), {"number": number})
    await keep(tx, number, about)
    await create_progress(tx, schema_of(number))
    facts = await on_generation(tx, number)
    for table in FACTS.sorted_tables:
        await facts.execute(CreateTable(table))
    if about.finished:
        # Without statistics: those of an empty table would have every plan go through all of it, also when it grows.
        await _make_indexes(facts)


async def finish_tables(tx: AsyncConnection, number: int) -> None:
    """Give generation `number` its indexes, all or none, and the statistics that plans are made by."""
    await _make_indexes(await on_generation(tx, number))
    await tx.execute(text("SET LOCAL default_statistics_target = 10"))  # Of 3 000 rows: enough to choose an index by.
    for table in FACTS.sorted_tables:
        await tx.execute(text(f"ANALYZE {schema_of(number)}.{table.name}"))
    await mark_finished(tx, number)


async def _make_indexes(facts: AsyncConnection) -> None:
    for table in FACTS.sorted_tables:
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            await facts.execute(CreateIndex(index))


async def switch_to(tx: AsyncConnection, number: int, live: Generation, fingerprint: str) -> Generation:
    """Make generation `number` live, and keep the one that was; the one before that is forgotten, if it is another.

    What is kept is noted with the rules by which it was folded last: who goes back to it is to know.
    """
    await folded_by(tx, live.live, live.fingerprint)
    await tx.execute(update(GENERATION).values(live=number, previous=live.live, fingerprint=fingerprint))
    if live.previous is not None and live.previous != number:
        await forget(tx, live.previous)
    return Generation(number, live.live, fingerprint)


async def reached(tx: AsyncConnection, number: int) -> dict[str, int]:
    """How far generation `number` has come in each ledger, by the ledger's name."""
    query = select(READERS.c.ledger, READERS.c.position).where(READERS.c.reader == reader_name(number))
    return {row.ledger: row.position for row in await tx.execute(query)}
