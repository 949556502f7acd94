"""A rebuild under trouble: poisoned, over changed history; in many processes; and the way back."""

import asyncio
from datetime import timedelta

import psutil
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from eventlog.errors import BrokenLedger, PositionMoved
from eventlog.ledger import Append, LedgerId, NewEvent
from schemas.submission import SubmissionApplied
from services.reporting import spreading
from services.reporting.building import Built, Went
from services.reporting.bulk import Bulk
from services.reporting.copies import under_way
from services.reporting.generations import find_generation, reached
from services.reporting.rebuild import NothingKept, rebuild, roll_back
from services.reporting.spreading import Job, ProcessEnded
from tests.reporting.made import GEMEENTE, PROGRAMMES, CaseStory, Casework, as_appends
from tests.reporting.rebuilds import DAY, OTHER, change_history, rebuilt, stories


async def test_ledgers_are_built_in_processes_of_their_own(casework: Casework, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreading, "WORTH_A_PROCESS", 0)
    seen = set()
    for gemeente in (GEMEENTE, OTHER):
        await casework.writes(stories(4, gemeente), gemeente)
        await casework.read_by_reporting(gemeente=gemeente)
    report = await rebuild(casework.engine, PROGRAMMES, lambda ledger, done, to_do: seen.add((ledger.gemeente, done)))
    assert (report.differences, report.events) == ((), 40)
    assert seen >= {(GEMEENTE, 20), (OTHER, 20)}


@pytest.fixture
async def two_ledgers(casework: Casework, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of which the larger, GEMEENTE's, is built in a process of its own and the other here."""
    monkeypatch.setattr(spreading, "WORTH_A_PROCESS", 0)
    for gemeente, cases in ((GEMEENTE, 40), (OTHER, 2)):
        await casework.writes(stories(cases, gemeente), gemeente)
        await casework.read_by_reporting(gemeente=gemeente)


@pytest.mark.usefixtures("two_ledgers")
async def test_a_ledger_that_fails_in_another_process_ends_the_one_here(
    casework: Casework, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await change_history(database_url, GEMEENTE)
    monkeypatch.setattr(spreading, "_build", lambda job, went: asyncio.sleep(3600))
    before = asyncio.all_tasks()
    with pytest.raises(BrokenLedger, match=f"casework/{GEMEENTE}: the events read have root"):
        await asyncio.wait_for(rebuilt(casework), 60)
    assert asyncio.all_tasks() == before


async def test_who_stops_a_build_leaves_nothing_running(casework: Casework, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(ledger: LedgerId, done: int, to_do: int) -> None:
        if done == 2:
            raise spreading.Stopped

    await casework.writes(stories(2))
    await casework.read_by_reporting()
    monkeypatch.setattr(Bulk, "write", lambda *_: asyncio.sleep(3600))
    before = asyncio.all_tasks()
    with pytest.raises(spreading.Stopped):
        await rebuild(casework.engine, PROGRAMMES, stop, checkpoint=1)
    assert asyncio.all_tasks() == before


@pytest.mark.usefixtures("two_ledgers")
async def test_a_ledger_that_fails_here_ends_the_one_in_another_process(casework: Casework, database_url: str) -> None:
    await change_history(database_url, OTHER)
    with pytest.raises(BrokenLedger, match=f"casework/{OTHER}: the events read have root"):
        await rebuilt(casework, 1)
    async with casework.engine.connect() as connection:
        (left,) = await under_way(connection)
    assert left.done < 100
    (server,) = forkservers()
    assert server.children() == []


@pytest.mark.usefixtures("two_ledgers")
async def test_a_process_that_is_ended_from_outside_is_told_and_made_up_for(
    casework: Casework, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a machine that is out of memory."""

    async def build(job: Job, went: Went) -> Built:
        while not (forked := [one for server in forkservers() for one in server.children()]):
            await asyncio.sleep(0.01)
        forked[0].kill()
        return await asyncio.sleep(3600, Built(job.ledger, 0, b""))

    with monkeypatch.context() as patching:
        patching.setattr(spreading, "_build", build)
        with pytest.raises(ProcessEnded, match="run the command again"):
            await asyncio.wait_for(rebuilt(casework), 60)
    assert (await rebuilt(casework)).differences == ()


def forkservers() -> list[psutil.Process]:
    """From which the processes of rebuilds are forked."""
    return [one for one in psutil.Process().children() if "multiprocessing.forkserver" in " ".join(one.cmdline())]


async def test_history_that_was_changed_is_not_built_from(casework: Casework, database_url: str) -> None:
    await casework.writes(stories(2))
    await casework.read_by_reporting()
    await change_history(database_url, GEMEENTE)
    with pytest.raises(BrokenLedger, match="casework/GM0984: the events read have root"):
        await rebuilt(casework)
    async with casework.engine.connect() as connection:
        live = await find_generation(connection)
    assert live is not None
    assert live.live == 1


async def test_who_tries_again_is_told_again(casework: Casework, database_url: str) -> None:
    """What was changed is no fact: neither rows nor trail show it, only the root does."""
    await casework.writes(stories(2))
    async with casework.ledger.begin() as tx:
        told = NewEvent(SubmissionApplied.type, b"{}", DAY, "p", "c", "c", "")
        await casework.ledger.append(tx, GEMEENTE, [Append("submission", 0, (told,))])
    await casework.read_by_reporting()
    await change_history(database_url, GEMEENTE, position=11)
    for _ in range(2):
        with pytest.raises(BrokenLedger, match="casework/GM0984: the events read have root"):
            await rebuilt(casework)


async def test_a_record_that_cannot_be_folded_holds_up_its_case_and_no_other(casework: Casework) -> None:
    good, bad = stories(2)
    told = as_appends(bad)
    broken = NewEvent(told.events[1].type, b"{", DAY, "p", "c", "c", bad.case)
    await casework.writes([good])
    async with casework.ledger.begin() as tx:
        await casework.ledger.append(tx, GEMEENTE, [Append(told.stream, 0, (told.events[0], broken, told.events[4]))])
    await casework.restart_reporting()
    await casework.pretend_to_have_read(8)
    report = await rebuilt(casework)
    async with casework.engine.connect() as connection:
        held = await connection.execute(
            text("SELECT position, status, reason FROM reporting.quarantine WHERE reader = 'facts_2' ORDER BY position")
        )
        first, second = held.all()
        trail = await connection.execute(text("SELECT max(position) FROM reporting.case_events"))
        assert trail.scalar_one() == 6
    assert (first.position, first.status, second.position, second.status) == (7, "quarantined", 8, "waiting")
    assert first.reason.startswith("casework/GM0984/7: nl.overheid.jeugdzaken.case.contact-logged.v1 cannot be folded")
    assert report.positions == {f"casework/{GEMEENTE}": 8}


async def test_after_a_rollback_the_earlier_generation_catches_up_by_itself(
    casework: Casework, engine: AsyncEngine
) -> None:
    with pytest.raises(NothingKept):
        await roll_back(engine)
    await casework.writes(stories(2, "before"))
    await casework.read_by_reporting()
    await rebuilt(casework)
    await casework.writes(stories(2, "after"))
    with pytest.raises(PositionMoved):
        await casework.read_by_reporting()
    await casework.read_by_reporting()
    assert (await roll_back(engine)).live == 1
    async with engine.connect() as connection:
        assert await reached(connection, 1) == {f"casework/{GEMEENTE}": 10}
    await casework.writes([CaseStory("one more").opened(DAY + timedelta(days=1))])
    with pytest.raises(PositionMoved):
        await casework.read_by_reporting()
    assert await casework.read_by_reporting() == 21
    assert (await rebuilt(casework)).differences == ()


async def test_a_rebuild_tells_nobody_and_writes_no_ledger(casework: Casework, database_url: str) -> None:
    await casework.writes(stories(3))
    await casework.read_by_reporting()

    async def everything_told() -> list[object]:
        counts = " UNION ALL ".join(
            f"SELECT '{service}', (SELECT count(*) FROM {service}.events), (SELECT count(*) FROM {service}.heads)"
            for service in ("intake", "casework", "reporting")
        )
        positions = "SELECT reader, ledger, position FROM {}.readers WHERE reader NOT LIKE 'facts%'"
        owner = create_async_engine(database_url)
        async with owner.connect() as connection:
            found: list[object] = [tuple(row) for row in await connection.execute(text(counts))]
            for service in ("intake", "casework", "reporting"):
                found += [tuple(row) for row in await connection.execute(text(positions.format(service)))]
        await owner.dispose()
        return found

    before = await everything_told()
    await rebuilt(casework)
    assert await everything_told() == before
