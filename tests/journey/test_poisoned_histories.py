"""Random histories of cases with random poison: after a redrive the facts are those of an undisturbed reporting."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventlog.engine import make_engine
from eventlog.errors import UnreadableRecord
from eventlog.ledger import LedgerId, Recorded
from eventlog.positions import Positions
from eventlog.postgres import PostgresLedger
from eventlog.quarantine import Quarantine
from eventlog.reader import Follower, LedgerSource
from eventlog.redrive import redrive
from services.reporting.facts import FACTS
from services.reporting.reader import FactsReader
from tests.parts.postgres import Postgres
from tests.reporting.histories import histories
from tests.reporting.made import PROGRAMMES, CaseStory, as_appends

_gemeenten = count(1000)


@dataclass
class Poisoned:
    """Reporting's reader, which cannot take some positions for now."""

    reader: FactsReader
    poison: set[int] = field(default_factory=set)
    source: str = "casework"

    @property
    def name(self) -> str:
        return self.reader.name

    async def handle(self, tx: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        await self.reader.handle(tx, ledger, events)
        for event in events:
            if event.position in self.poison:
                raise UnreadableRecord(f"{event}: cannot be read")


@dataclass
class Reporting:
    """A database with casework's ledger in it, and reporting's follower of that."""

    casework: PostgresLedger
    engine: AsyncEngine
    follower: Follower
    reader: Poisoned

    async def read(self, gemeente: str, batch: int) -> None:
        ledger = LedgerId("casework", gemeente)
        for start in range(0, (await self.follower.source.sizes())[gemeente], batch):
            await self.follower.deliver(ledger, await self.follower.source.read(gemeente, start, batch))

    async def facts(self, gemeente: str) -> dict[str, list[Any]]:
        async with self.engine.connect() as connection:
            return {
                table.name: sorted(
                    map(
                        repr,
                        await connection.execute(
                            text(f"SELECT * FROM facts_1.{table.name} WHERE gemeente = :gemeente"),
                            {"gemeente": gemeente},
                        ),
                    )
                )
                for table in FACTS.sorted_tables
            }


@asynccontextmanager
async def reporting_at(url: str) -> AsyncIterator[Reporting]:
    writing, engine = make_engine(url, "casework"), make_engine(url, "reporting")
    casework = PostgresLedger(writing, "casework", lambda: datetime(2024, 1, 1, tzinfo=UTC))
    reader = Poisoned(FactsReader(PROGRAMMES))
    source = LedgerSource(PostgresLedger(engine, "casework"))
    follower = Follower(reader, Positions(engine, "reporting"), source, quarantine=Quarantine("reporting"))
    yield Reporting(casework, engine, follower, reader)
    await writing.dispose()
    await engine.dispose()


@pytest.fixture
async def disturbed(database_url: str) -> AsyncIterator[Reporting]:
    async with reporting_at(database_url) as reporting:
        yield reporting


@pytest.fixture
async def undisturbed(postgres: Postgres, migrated_template: str) -> AsyncIterator[Reporting]:
    async with postgres.database(template=migrated_template) as url, reporting_at(url) as reporting:
        yield reporting


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    history=histories, poison=st.sets(st.integers(1, 30), min_size=1, max_size=5), batch=st.sampled_from([1, 4, 1000])
)
async def test_after_a_redrive_the_facts_are_those_of_an_undisturbed_reporting(
    disturbed: Reporting, undisturbed: Reporting, history: list[CaseStory], poison: set[int], batch: int
) -> None:
    gemeente = f"GM{next(_gemeenten)}"
    ledger = LedgerId("casework", gemeente)
    for reporting in (disturbed, undisturbed):
        async with reporting.casework.begin() as tx:
            await reporting.casework.append(tx, gemeente, [as_appends(story) for story in history if story.told])
    await undisturbed.read(gemeente, 1000)
    disturbed.reader.poison = set(poison)
    await disturbed.read(gemeente, batch)
    disturbed.reader.poison = set()
    for story in history:
        await redrive(disturbed.follower, ledger, story.case)
    assert await disturbed.facts(gemeente) == await undisturbed.facts(gemeente)
