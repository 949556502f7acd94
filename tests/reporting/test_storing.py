"""The rows a batch touches come from the tables case by case, by whatever plan was made while the tables were short."""

from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from eventlog.connections import connections_of
from services.migrations import migrate
from services.reporting.storing import load
from tests.parts.looked_at import TIMES_BEFORE_A_PLAN_IS_KEPT, looked_at
from tests.reporting.made import GEMEENTE, CaseStory, Casework

DAY = date(2023, 3, 1)
INDEXES = "SELECT indexdef FROM pg_indexes WHERE indexname LIKE 'segments_by_%' ORDER BY indexname"


def story(number: int) -> CaseStory:
    return CaseStory(f"case {number}").opened(DAY).referred(DAY).answered(DAY)


@pytest.mark.parametrize("times", [1, TIMES_BEFORE_A_PLAN_IS_KEPT])
async def test_only_the_rows_of_its_cases_are_looked_at(casework: Casework, times: int) -> None:
    await casework.writes(story(number) for number in range(times))
    await casework.read_by_reporting(batch=3)
    await casework.writes(story(number) for number in range(times, 600))
    await casework.read_by_reporting()
    asked = [story(number).case for number in (1, 500)]
    async with connections_of(casework.engine).transaction() as tx:
        assert await looked_at(tx, "facts_1.%", lambda: load(tx, 1, GEMEENTE, asked, asked)) == 4
        rows = await load(tx, 1, GEMEENTE, asked, asked)
    assert ({case for case, _ in rows.segments}, {case for case, _ in rows.referrals}) == (set(asked), set(asked))


@pytest.mark.parametrize("size", [20, 100, 400])
async def test_a_plan_made_before_statistics_are_taken_does_too(casework: Casework, size: int) -> None:
    await casework.writes(story(number) for number in range(size))
    await casework.read_by_reporting()
    asked = [story(number).case for number in (1, 19)]
    async with casework.engine.begin() as tx:  # of a connection that has no plan yet
        assert await looked_at(tx, "facts_1.%", lambda: load(tx, 1, GEMEENTE, asked, asked)) == 4


# As before the content of a parked record was part of its key.
PARKED_BEFORE = """
ALTER TABLE intake.parked DROP CONSTRAINT parked_pkey, DROP COLUMN digest,
    ADD CONSTRAINT parked_pkey PRIMARY KEY (topic, partition, "offset")
"""
PARKS_BEFORE = """
INSERT INTO intake.parked (topic, partition, "offset", gemeente, reason, sealed)
VALUES ('submissions.x', 0, :offset, 'GM0984', 'not-signed', 's')
"""


KEPT = "SELECT number, fingerprint, purpose, known_on, finished, made_at FROM reporting.kept_generations"


async def test_tables_of_an_older_version_become_todays(casework: Casework, database_url: str) -> None:
    await casework.writes([story(1)])
    await casework.read_by_reporting()
    owner = create_async_engine(database_url)
    async with owner.begin() as tx:
        todays = (await tx.execute(text(INDEXES))).scalars().all()
        await tx.execute(text("DROP INDEX facts_1.segments_by_opening, facts_1.segments_by_closing"))
        await tx.execute(text("CREATE INDEX segments_by_opening ON facts_1.segments (gemeente, programme, opened_on)"))
        await tx.execute(text("CREATE INDEX segments_by_closing ON facts_1.segments (gemeente, programme, closed_on)"))
        await tx.execute(text(PARKED_BEFORE))
        await tx.execute(text(PARKS_BEFORE), {"offset": 1})
        kept = (await tx.execute(text(KEPT))).all()
        await tx.execute(text("CREATE TABLE facts_1.about AS SELECT * FROM reporting.kept_generations"))
        await tx.execute(text("ALTER TABLE facts_1.about DROP COLUMN number"))
        await tx.execute(text("DROP TABLE reporting.kept_generations"))
        await tx.execute(text("UPDATE alembic_version SET version_num = '0003'"))
    await migrate(database_url)
    async with owner.begin() as tx:
        await tx.execute(text(PARKS_BEFORE), {"offset": 2})  # One of the version before still runs.
        assert (await tx.execute(text("SELECT digest FROM intake.parked"))).scalars().all() == ["", ""]
        assert (await tx.execute(text(INDEXES))).scalars().all() == todays
        assert (await tx.execute(text(KEPT))).all() == kept
        assert (await tx.execute(text("SELECT to_regclass('facts_1.about')"))).scalar_one() is None
    await owner.dispose()
