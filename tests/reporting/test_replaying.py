"""A rebuild under trouble: killed, poisoned, over changed history; in many processes; and the way back."""

import asyncio
import sys
from datetime import date, timedelta
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

import tests
from eventlog.errors import BrokenLedger, PositionMoved
from eventlog.ledger import Append, LedgerId, NewEvent
from schemas.submission import SubmissionApplied
from services.reporting import spreading
from services.reporting.bulk import Bulk
from services.reporting.copies import under_way
from services.reporting.generations import find_generation, reached
from services.reporting.rebuild import NothingKept, RebuildReport, rebuild, roll_back
from services.reporting.spreading import Progress, Stopped
from tests.reporting.made import GEMEENTE, PROGRAMMES, CaseStory, Casework, as_appends, quietly

DAY = date(2023, 3, 1)
OTHER = "GM9001"
ROOT = Path(tests.__file__).parent.parent


def stories(count: int, name: str = "") -> list[CaseStory]:
    """Five events each; the ledger holds them case by case."""
    return [
        CaseStory(f"{name}{number}").opened(DAY).contact(DAY, 10).referred(DAY).answered(DAY).closed(DAY)
        for number in range(count)
    ]


async def rebuilt(casework: Casework, checkpoint: int = 100) -> RebuildReport:
    return await rebuild(casework.engine, PROGRAMMES, quietly, checkpoint)


async def spread_over_time(casework: Casework, cases: list[CaseStory]) -> None:
    """Each case's events stand far apart, so that every checkpoint touches rows that an earlier one wrote."""
    for number in range(5):
        appends = []
        for story in cases:
            whole = as_appends(story)
            appends.append(Append(whole.stream, number, whole.events[number : number + 1]))
        async with casework.ledger.begin() as tx:
            await casework.ledger.append(tx, GEMEENTE, appends)


async def killed_at(position: int, database_url: str, worth_a_process: int = 1000) -> list[int]:
    """The processes that the killed one had started."""
    numbers = (str(position), "10", str(worth_a_process))
    command = (sys.executable, "-m", "tests.reporting.killed", database_url, *numbers)
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    assert process.returncode == -9
    return [int(pid) for pid in said.split()]


def runs(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


async def test_the_processes_of_a_killed_rebuild_end_with_it(casework: Casework, database_url: str) -> None:
    await spread_over_time(casework, stories(8))
    await casework.writes(stories(8, OTHER), OTHER)
    for gemeente in (GEMEENTE, OTHER):
        await casework.read_by_reporting(gemeente=gemeente)
    started = await killed_at(20, database_url, worth_a_process=0)
    assert started
    async with asyncio.timeout(60):
        while any(runs(pid) for pid in started):
            await asyncio.sleep(0.1)
    assert (await rebuilt(casework)).differences == ()


async def test_a_rebuild_that_was_killed_goes_on_where_it_was(casework: Casework, database_url: str) -> None:
    await spread_over_time(casework, stories(20))
    await casework.read_by_reporting()
    for position in (35, 75):
        await killed_at(position, database_url)
        async with casework.engine.connect() as connection:
            (left,) = await under_way(connection)
        assert position - 20 <= left.done < left.to_do == 100, "what two checkpoints touch may not be written yet"
    report = await rebuilt(casework, 10)
    assert (report.generation, report.differences) == (2, ())
    assert report.events <= 40


@pytest.mark.parametrize("kept", [0, 3, 1000])
async def test_rows_that_left_the_memory_come_back(
    casework: Casework, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    monkeypatch.setattr("services.reporting.building.KEPT_ROWS", kept)
    await spread_over_time(casework, stories(12))
    await casework.read_by_reporting()
    assert (await rebuilt(casework, 7)).differences == ()


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
        raise spreading.Stopped

    await casework.writes(stories(2))
    await casework.read_by_reporting()
    monkeypatch.setattr(Bulk, "audit", lambda *_: asyncio.sleep(3600))
    before = asyncio.all_tasks()
    with pytest.raises(spreading.Stopped):
        await rebuild(casework.engine, PROGRAMMES, stop)
    assert asyncio.all_tasks() == before


@pytest.mark.usefixtures("two_ledgers")
async def test_a_ledger_that_fails_here_ends_the_one_in_another_process(casework: Casework, database_url: str) -> None:
    await change_history(database_url, OTHER)
    with pytest.raises(BrokenLedger, match=f"casework/{OTHER}: the events read have root"):
        await rebuilt(casework, 1)
    async with casework.engine.connect() as connection:
        (left,) = await under_way(connection)
    assert left.done < 100
    assert not [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]


async def change_history(database_url: str, gemeente: str, position: int = 2) -> None:
    owner = create_async_engine(database_url)
    async with owner.begin() as tx:
        await tx.execute(text("ALTER TABLE casework.events DISABLE TRIGGER USER"))
        changed = "UPDATE casework.events SET partner = 'another' WHERE position = :position AND gemeente = :gemeente"
        await tx.execute(text(changed), {"gemeente": gemeente, "position": position})
    await owner.dispose()


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


async def test_what_is_folded_while_a_checkpoint_is_written_is_not_in_it(
    casework: Casework, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two cases by turns, so that each batch changes the rows that are being written."""
    cases = [CaseStory(name).opened(DAY) for name in "ab"]
    for case in cases:
        for _ in range(40):
            case.contact(DAY, 10)
    tellings = [as_appends(case) for case in cases]
    async with casework.ledger.begin() as tx:
        for number in range(41):
            turn = [Append(told.stream, number, told.events[number : number + 1]) for told in tellings]
            await casework.ledger.append(tx, GEMEENTE, turn)
    await casework.read_by_reporting()
    monkeypatch.setattr("services.reporting.building.AT_ONCE", 3)
    for stop_at in (17, 45, 70):
        with pytest.raises(Stopped):
            await rebuild(casework.engine, PROGRAMMES, stopping(stop_at), 10)
    assert (await rebuilt(casework, 10)).differences == ()


async def test_a_trail_that_was_changed_since_a_stop_is_put_right(casework: Casework, database_url: str) -> None:
    """It is held against the ledger ahead of the fold, which looks again at what it has not folded."""
    await spread_over_time(casework, stories(20))
    await casework.read_by_reporting()
    with pytest.raises(Stopped):
        await rebuild(casework.engine, PROGRAMMES, stopping(60), 10)
    owner = create_async_engine(database_url)
    async with owner.begin() as tx:
        await tx.execute(text("UPDATE facts_2.progress SET audited = 90"))  # As far as it may be by then.
        await tx.execute(text("UPDATE reporting.case_events SET partner = 'somebody else' WHERE position = 80"))
    await owner.dispose()
    (told,) = (await rebuilt(casework, 10)).differences
    assert told == "casework/GM0984: 1 in the audit trail were not as recorded, first 80"


def stopping(position: int) -> Progress:
    def progress(ledger: LedgerId, done: int, to_do: int) -> None:
        if done >= position:
            raise Stopped

    return progress


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
