"""Which generations are kept, and by which rules they were folded, whoever reads or learns a programme meanwhile."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from eventlog.ledger import LedgerId
from eventlog.positions import Positions
from eventlog.quarantine import Quarantine
from eventlog.reader import Follower
from schemas.programme import AgeBand, Programme, Programmes
from services.reporting.beginning import ProgrammeMissing
from services.reporting.copies import Until, build_copy, list_copies, remove_copy, under_way
from services.reporting.generation_build import Build
from services.reporting.generations import find_generation
from services.reporting.kept_generations import numbers_in_use
from services.reporting.reader import FactsReader
from services.reporting.rebuild import RulesMoved, rebuild, roll_back, rules_have_changed
from services.reporting.spreading import Stopped
from tests.eventlog.making import catch_up
from tests.parts.postgres import as_owner
from tests.reporting.made import GEMEENTE, PROGRAMME, PROGRAMMES, CaseStory, Casework, quietly
from tests.reporting.rebuilds import DAY, rebuilt, stopping, stories

LEDGER, ELSEWHERE = LedgerId("casework", GEMEENTE), "GM9001"
OTHER = PROGRAMME.model_copy(update={"id": "other"})
OTHER_BANDS = OTHER.model_copy(update={"age_bands": {"all": AgeBand(from_years=-1, below_years=23)}})


def known(*programmes: Programme) -> Programmes:
    return Programmes({programme.id: programme for programme in programmes})


def of_other(reference: str) -> CaseStory:
    return CaseStory(reference, programme=OTHER.id).opened(DAY)


async def reporting_with(casework: Casework, programmes: Programmes) -> Follower:
    reader = FactsReader(programmes)
    async with casework.engine.begin() as tx:
        await reader.start(tx)
    positions, quarantine = Positions(casework.engine, "reporting"), Quarantine("reporting")
    return Follower(reader, positions, casework.source, quarantine=quarantine)


async def counted(engine: AsyncEngine, number: int) -> dict[str, int]:
    """How many segments of each programme generation `number` has."""
    query = text(f"SELECT programme, count(*) FROM facts_{number}.segments GROUP BY 1")
    async with engine.connect() as connection:
        return {programme: count for programme, count in await connection.execute(query)}


@asynccontextmanager
async def backing_up(engine: AsyncEngine) -> AsyncIterator[None]:
    """As pg_dump does: every table that is there is held until it is done."""
    tables = text("SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname LIKE 'facts_%'")
    async with engine.connect() as connection:
        for table in (await connection.execute(tables)).scalars().all():
            await connection.execute(text(f"LOCK TABLE {table} IN ACCESS SHARE MODE"))
        yield


async def test_nobody_waits_for_a_back_up(casework: Casework, engine: AsyncEngine) -> None:
    """What it holds is dropped by the next."""
    await casework.writes(stories(2))
    await casework.read_by_reporting()
    await rebuilt(casework)
    await casework.restart_reporting()
    await build_copy(engine, PROGRAMMES, Until(position=3), quietly)
    with pytest.raises(Stopped):
        await rebuild(engine, PROGRAMMES, stopping(8), 2)
    async with backing_up(engine):
        with structlog.testing.capture_logs() as logs:
            report = await rebuilt(casework)
            await remove_copy(engine, "3")
        async with engine.connect() as connection:
            assert not await list_copies(connection)
            assert await numbers_in_use(connection) == [1, 2, 3, 4]
    assert (report.generation, report.previous, report.differences) == (4, 2, ())
    assert [line["facts"] for line in logs if line["event"].startswith("forgotten facts are being read")] == [1, 1, 3]
    await rebuilt(casework)
    async with engine.connect() as connection:
        assert await numbers_in_use(connection) == [4, 5]


async def test_without_a_programme_that_is_counted_nothing_is_built(casework: Casework, engine: AsyncEngine) -> None:
    reporting = await reporting_with(casework, known(PROGRAMME, OTHER))
    await casework.writes([*stories(1), of_other("a")])
    await catch_up(reporting, LEDGER)
    for build in (rebuild(engine, PROGRAMMES, quietly), build_copy(engine, PROGRAMMES, Until(position=5), quietly)):
        with pytest.raises(ProgrammeMissing, match=r"\(generation 1\) count cases of other, which is not defined here"):
            await build
    async with engine.connect() as connection:
        assert await numbers_in_use(connection) == [1]


async def test_a_programme_without_cases_may_go(casework: Casework, engine: AsyncEngine) -> None:
    await catch_up(await reporting_with(casework, known(PROGRAMME, OTHER)), LEDGER)
    assert (await rebuild(engine, PROGRAMMES, quietly)).rules_changed
    assert not await rules_have_changed(engine, PROGRAMMES)


async def test_a_programme_that_reporting_learns_meanwhile_is_not_built_away(
    casework: Casework, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await casework.writes(stories(1))
    await casework.read_by_reporting()
    finish = Build.finish

    async def learning(self: Build) -> None:
        reporting = await reporting_with(casework, known(PROGRAMME, OTHER))
        await casework.writes([of_other("a")])
        await catch_up(reporting, LEDGER)
        await finish(self)

    with monkeypatch.context() as patching:
        patching.setattr(Build, "finish", learning)
        with pytest.raises(RulesMoved, match=r"keeps the live facts \(generation 1\) by those: run it again with"):
            await rebuild(engine, PROGRAMMES, quietly)
    assert await counted(engine, 1) == {PROGRAMME.id: 1, OTHER.id: 1}
    report = await rebuild(engine, known(PROGRAMME, OTHER), quietly)
    assert (report.differences, report.rules_changed, report.held_cases) == ((), False, 0)
    assert await counted(engine, report.generation) == {PROGRAMME.id: 1, OTHER.id: 1}


async def test_a_new_programme_undoes_neither_a_copy_nor_what_is_half_built(
    casework: Casework, engine: AsyncEngine
) -> None:
    await casework.writes(stories(4))
    await casework.read_by_reporting()
    await build_copy(engine, PROGRAMMES, Until(position=3), quietly)
    with pytest.raises(Stopped):
        await rebuild(engine, PROGRAMMES, stopping(15), 5)
    await catch_up(await reporting_with(casework, known(PROGRAMME, OTHER)), LEDGER)
    await build_copy(engine, known(PROGRAMME, OTHER), Until(position=5), quietly)
    report = await rebuild(engine, known(PROGRAMME, OTHER), quietly)
    assert report.events < 20, "it goes on where it was stopped"
    assert (report.differences, report.dropped_copies) == ((), ())
    async with engine.connect() as connection:
        assert [copy.known_on for copy in await list_copies(connection)] == ["3", "5"]


async def test_who_goes_back_is_told_by_which_rules_it_was_folded_last(casework: Casework, engine: AsyncEngine) -> None:
    await casework.writes(stories(1))
    await casework.read_by_reporting()
    await build_copy(engine, PROGRAMMES, Until(position=3), quietly)
    reporting = await reporting_with(casework, known(PROGRAMME, OTHER))
    await casework.writes([of_other("a")])
    await catch_up(reporting, LEDGER)
    await build_copy(engine, known(PROGRAMME, OTHER), Until(position=6), quietly)
    report = await rebuild(engine, known(PROGRAMME, OTHER_BANDS), quietly)
    assert (report.rules_changed, report.dropped_copies) == (True, ("6",))
    await roll_back(engine)
    assert await rules_have_changed(engine, known(PROGRAMME, OTHER_BANDS))
    assert not await rules_have_changed(engine, known(PROGRAMME, OTHER))


async def test_what_was_gone_on_with_by_more_programmes_is_dropped_where_one_of_those_changes(
    casework: Casework, engine: AsyncEngine
) -> None:
    await casework.writes(stories(1))
    await casework.read_by_reporting()
    with pytest.raises(Stopped):
        await build_copy(engine, PROGRAMMES, Until(position=5), stopping(1))
    reporting = await reporting_with(casework, known(PROGRAMME, OTHER))
    await casework.writes([of_other("a")], ELSEWHERE)
    await catch_up(reporting, LedgerId("casework", ELSEWHERE))
    await build_copy(engine, known(PROGRAMME, OTHER), Until(position=5), quietly)
    assert (await rebuild(engine, known(PROGRAMME, OTHER_BANDS), quietly)).dropped_copies == ("5",)


async def test_facts_that_were_not_restored_are_made_anew(
    casework: Casework, engine: AsyncEngine, database_url: str
) -> None:
    await casework.writes(stories(2))
    await casework.read_by_reporting()
    await rebuilt(casework)
    await casework.restart_reporting()
    await build_copy(engine, PROGRAMMES, Until(position=3), quietly)
    for number in (1, 2, 3):
        await as_owner(database_url, f"DROP SCHEMA facts_{number} CASCADE")
    report = await rebuilt(casework)
    assert (report.generation, report.events, report.dropped_copies) == (4, 10, ("3",))
    assert report.differences[-1] == "segments: only generation 4 has this table"


async def test_a_copy_leaves_a_rebuild_that_was_stopped_as_it_is(casework: Casework, engine: AsyncEngine) -> None:
    await casework.writes(stories(4))
    await casework.read_by_reporting()
    with pytest.raises(Stopped):
        await rebuild(engine, PROGRAMMES, stopping(15), 5)
    with pytest.raises(Stopped):
        await build_copy(engine, PROGRAMMES, Until(position=15), stopping(1))
    async with engine.connect() as connection:
        assert [one.stopped for one in await under_way(connection)] == [True, True]
        assert [(copy.known_on, copy.finished) for copy in await list_copies(connection)] == [("15", False)]
    await remove_copy(engine, "15")
    assert (await rebuilt(casework)).events < 20, "it goes on where it was stopped"
    async with engine.connect() as connection:
        live = await find_generation(connection)
        assert await numbers_in_use(connection) == [1, 2]
    assert live is not None
    assert (live.live, live.previous) == (2, 1)
