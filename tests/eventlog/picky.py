"""A reader that cannot take some positions, and an effect that shows what was taken of each case, in which order."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from eventlog.connections import driver_of
from eventlog.engine import make_engine
from eventlog.errors import UnreadableRecord
from eventlog.ledger import Append, LedgerId, Recorded
from eventlog.positions import Positions
from eventlog.postgres import PostgresLedger
from eventlog.quarantine import Quarantine
from eventlog.reader import Follower, LedgerSource
from eventlog.step import Step, at_the_reader, move_if
from tests.eventlog.making import GEMEENTE, event

BAD = "quarantined casework/GM0984/{}: cannot be read"
LEDGER = LedgerId("casework", GEMEENTE)
_TAKE = text(
    "INSERT INTO public.told VALUES (:gemeente, :case, ARRAY[:position]::int[])"
    " ON CONFLICT (gemeente, case_id) DO UPDATE SET positions = told.positions || excluded.positions"
)

_TOLD = "SELECT case_id, positions FROM public.told WHERE gemeente = $1 AND case_id = ANY($2)"
_TAKE_STEP = f"""
    WITH here AS ({at_the_reader("casework", 1)}), moved AS ({move_if("casework", 1, "SELECT FROM here")}), taken AS (
        INSERT INTO public.told SELECT $6, key, ARRAY(SELECT jsonb_array_elements_text(value)::integer)
        FROM jsonb_each($7::text::jsonb) WHERE EXISTS (SELECT FROM moved)
        ON CONFLICT (gemeente, case_id) DO UPDATE SET positions = excluded.positions
    ) SELECT xmin FROM moved
"""


@dataclass
class Picky:
    """Raises for what is in `poison`; `error` is what it raises. `batches` keeps the size of each attempt."""

    poison: set[int] = field(default_factory=set)
    error: Exception | None = None
    name: str = "picky"
    source: str = "casework"
    batches: list[int] = field(default_factory=list)

    async def handle(self, tx: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        self.batches += [len(events)] if events else []
        for one in events:
            about = {"gemeente": ledger.gemeente, "case": one.case or one.stream, "position": one.position}
            await tx.execute(_TAKE, about)
            if one.position in self.poison:
                raise self.error or UnreadableRecord(f"{one}: cannot be read")


@dataclass
class Halting(Picky):
    """Stops in the middle of its effect until told to go on."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, tx: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        if events:
            self.reached.set()
            await self.go_on.wait()
        await super().handle(tx, ledger, events)


@dataclass
class Sick(Picky):
    """Takes nothing of the gemeenten in `sick`, which is no record's fault."""

    sick: dict[str, Exception] = field(default_factory=dict)
    attempts: int = 0

    async def handle(self, tx: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        if events and ledger.gemeente in self.sick:
            self.attempts += 1
            raise self.sick[ledger.gemeente]
        await super().handle(tx, ledger, events)


@dataclass
class Stepping(Picky):
    """Looks up without a lock what was taken of each case, and writes all of it anew with its move.

    So it would undo what anybody took in between. `looked_up` is called there.
    """

    steps: int = 0
    looked_up: Callable[[], Awaitable[None]] | None = None

    async def take_step(self, connection: AsyncConnection, step: Step, events: Sequence[Recorded]) -> int | None:
        driver, cases = driver_of(connection), list({one.case or one.stream for one in events})
        told = dict(await driver.fetch(_TOLD, step.ledger.gemeente, cases))
        for one in events:
            told.setdefault(one.case or one.stream, []).append(one.position)
            if one.position in self.poison:
                raise self.error or UnreadableRecord(f"{one}: cannot be read")
        if self.looked_up is not None:
            await self.looked_up()
        asked = *step.parameters, step.ledger.gemeente, json.dumps(told)
        written_by: int | None = await driver.fetchval(_TAKE_STEP, *asked)
        self.steps += written_by is not None
        return written_by


@dataclass
class Desk:
    """A casework ledger, and a picky reader that follows it."""

    engine: AsyncEngine
    ledger: PostgresLedger
    reader: Picky = field(default_factory=Picky)

    def follower(self, reader: Picky | None = None) -> Follower:
        positions, source = Positions(self.engine, "casework"), LedgerSource(self.ledger)
        return Follower(reader or self.reader, positions, source, quarantine=Quarantine("casework"))

    async def append(self, cases: str, gemeente: str = GEMEENTE) -> None:
        """An event for each letter, whose case the letter is; a dash is an event without a case."""
        async with self.ledger.begin() as tx:
            start = (await self.ledger.sizes(tx)).get(gemeente, 0)
            appends = [
                Append(f"s{number}", 0, (replace(event(), case=case.strip("-")),))
                for number, case in enumerate(cases, start=start + 1)
            ]
            await self.ledger.append(tx, gemeente, appends)

    async def told(self, gemeente: str = GEMEENTE) -> dict[str, list[int]]:
        query = text("SELECT case_id, positions FROM public.told WHERE gemeente = :gemeente")
        async with self.engine.connect() as connection:
            return {row.case_id: row.positions for row in await connection.execute(query, {"gemeente": gemeente})}

    async def held(self, reader: str = "picky") -> dict[int, str]:
        """position -> status, then the reason."""
        query = text("SELECT position, status, reason FROM casework.quarantine WHERE reader = :reader ORDER BY 1")
        async with self.engine.connect() as connection:
            rows = await connection.execute(query, {"reader": reader})
            return {row.position: f"{row.status} {row.reason}".strip() for row in rows}


@asynccontextmanager
async def desk_at(database_url: str) -> AsyncIterator[Desk]:
    owner = create_async_engine(database_url)
    async with owner.begin() as tx:
        await tx.execute(
            text("CREATE TABLE told (gemeente text, case_id text, positions int[], PRIMARY KEY (gemeente, case_id))")
        )
        await tx.execute(text("GRANT ALL ON told TO spoorboek_casework"))
    await owner.dispose()
    engine = make_engine(database_url, "casework")
    yield Desk(engine, PostgresLedger(engine, "casework"))
    await engine.dispose()
