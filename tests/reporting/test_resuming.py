"""A rebuild that was killed or stopped goes on where it was, from what was written of it and from nothing else."""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import text

import tests
from eventlog.errors import BrokenLedger, PositionMoved
from eventlog.ledger import Append, NewEvent
from services.reporting.bulk import Bulk, Changes, Held
from services.reporting.copies import under_way
from services.reporting.generation_build import alone
from services.reporting.kept_generations import numbers_in_use
from services.reporting.rebuild import rebuild, roll_back
from services.reporting.spreading import Stopped
from tests.parts.postgres import as_owner
from tests.reporting.made import COACHES, GEMEENTE, PROGRAMMES, CaseStory, Casework, as_appends
from tests.reporting.rebuilds import DAY, OTHER, change_history, rebuilt, spread_over_time, stopping, stories

ROOT = Path(tests.__file__).parent.parent


_OF_THE_KILLED = """
    SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND
        (application_name = 'spoorboek replay' OR pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')))
"""


async def killed_at(position: int, casework: Casework, database_url: str, worth_a_process: int = 1000) -> list[int]:
    """The processes that the killed one had started. PostgreSQL has heard of its end when this returns.

    Each look is a transaction of its own: within one, pg_stat_activity stays as it was first seen.
    """
    numbers = (str(position), "10", str(worth_a_process))
    command = (sys.executable, "-m", "tests.reporting.killed", database_url, *numbers)
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    assert process.returncode == -9
    async with asyncio.timeout(60):
        while await _has_connections(casework):
            await asyncio.sleep(0.01)
    return [int(pid) for pid in said.split()]


async def _has_connections(casework: Casework) -> bool:
    async with casework.engine.connect() as connection:
        return bool((await connection.execute(text(_OF_THE_KILLED))).scalar_one())


def runs(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


async def test_the_processes_of_a_killed_rebuild_end_with_it(casework: Casework, database_url: str) -> None:
    await spread_over_time(casework, stories(8))
    await casework.writes(stories(8, OTHER), OTHER)
    for gemeente in (GEMEENTE, OTHER):
        await casework.read_by_reporting(gemeente=gemeente)
    started = await killed_at(20, casework, database_url, worth_a_process=0)
    assert started
    async with asyncio.timeout(60):
        while any(runs(pid) for pid in started):
            await asyncio.sleep(0.1)
    assert (await rebuilt(casework)).differences == ()


async def test_a_rebuild_that_was_killed_goes_on_where_it_was(casework: Casework, database_url: str) -> None:
    await spread_over_time(casework, stories(20))
    await casework.read_by_reporting()
    for position in (35, 75):
        await killed_at(position, casework, database_url)
        async with casework.engine.connect() as connection:
            (left,) = await under_way(connection)
            async with alone(casework.engine):
                (going_on,) = await under_way(connection)
        assert (left.stopped, going_on.stopped) == (True, False)
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


async def test_a_case_that_was_held_before_a_stop_is_held_after_it_too(casework: Casework) -> None:
    """It waits behind its bad event; that something is held stays said, though the last checkpoint held nothing."""
    good, bad, *more, last = stories(5)
    told = as_appends(bad)
    broken = NewEvent(told.events[1].type, b"{", DAY, "p", "c", "c", bad.case)
    await casework.writes([good])
    await append(casework, Append(told.stream, 0, (told.events[0], broken)))
    await casework.writes(more)
    await append(casework, Append(told.stream, 2, told.events[4:]))
    await casework.writes([last])
    await casework.restart_reporting()
    await casework.pretend_to_have_read(23)
    with pytest.raises(Stopped):
        await rebuild(casework.engine, PROGRAMMES, stopping(16), 4)
    assert (await rebuilt(casework, 4)).events < 23
    held = "SELECT position, status FROM reporting.quarantine WHERE reader = 'facts_2' ORDER BY 1"
    async with casework.engine.connect() as connection:
        assert list(map(tuple, await connection.execute(text(held)))) == [(7, "quarantined"), (18, "waiting")]
        said = await connection.execute(text("SELECT held FROM reporting.readers WHERE reader = 'facts_2'"))
        assert said.scalar_one()


OTHER_RULES = """
    UPDATE reporting.kept_generations SET fingerprint = jsonb_set(fingerprint::jsonb, '{rules}', '"other"')::text
    WHERE number = 2
"""


async def test_a_rebuild_that_was_begun_by_other_rules_is_begun_anew(casework: Casework, database_url: str) -> None:
    await spread_over_time(casework, stories(4))
    await casework.read_by_reporting()
    with pytest.raises(Stopped):
        await rebuild(casework.engine, PROGRAMMES, stopping(15), 5)
    await as_owner(database_url, OTHER_RULES)
    report = await rebuilt(casework, 5)
    assert (report.events, report.differences) == (20, ())
    async with casework.engine.connect() as connection:
        assert await numbers_in_use(connection) == [1, report.generation]


@pytest.mark.parametrize("elsewhere", [-1, 1])
async def test_a_build_that_another_process_moved_is_left_to_it(
    casework: Casework, database_url: str, monkeypatch: pytest.MonkeyPatch, elsewhere: int
) -> None:
    await spread_over_time(casework, stories(4))
    await casework.read_by_reporting()
    write = Bulk.write

    async def moves_first(self: Bulk, changes: Changes, held: Sequence[Held], was: int, *reached: Any) -> None:
        if was:
            await as_owner(database_url, f"UPDATE facts_2.progress SET position = position + {elsewhere}")
        await write(self, changes, held, was, *reached)

    with monkeypatch.context() as patching:
        patching.setattr(Bulk, "write", moves_first)
        with pytest.raises(PositionMoved, match="another process builds casework/GM0984: wait for it to end"):
            await rebuilt(casework, 5)


async def test_a_trail_that_was_found_wrong_before_a_stop_is_put_right(casework: Casework, database_url: str) -> None:
    await spread_over_time(casework, stories(20))
    await casework.read_by_reporting()
    await as_owner(database_url, "UPDATE reporting.case_events SET partner = 'another' WHERE position = 15")
    with pytest.raises(Stopped):
        await rebuild(casework.engine, PROGRAMMES, stopping(60), 10)
    (told,) = (await rebuilt(casework, 10)).differences
    assert told == "casework/GM0984: 1 in the audit trail were not as recorded, first 15"


async def test_the_trail_is_left_alone_where_the_ledger_was_changed_since_a_stop(
    casework: Casework, database_url: str
) -> None:
    """Something in it was wrong, so that it is to be put right from there on; of the change it is the witness."""
    await spread_over_time(casework, stories(20))
    await casework.read_by_reporting()
    await as_owner(database_url, "UPDATE reporting.case_events SET partner = 'another' WHERE position = 15")
    with pytest.raises(Stopped):
        await rebuild(casework.engine, PROGRAMMES, stopping(60), 10)
    await change_history(database_url, GEMEENTE, position=40)
    for _ in range(2):
        with pytest.raises(BrokenLedger, match="are not what they were when this build read them: run `spoorboek ver"):
            await rebuilt(casework, 10)
    async with casework.engine.connect() as connection:
        kept = await connection.execute(text("SELECT partner FROM reporting.case_events WHERE position = 40"))
    assert kept.scalar_one() == COACHES


async def test_a_rebuild_that_is_further_than_the_live_facts_is_begun_anew(casework: Casework) -> None:
    """It was stopped, and then somebody went back to facts that had not been followed."""
    await casework.writes(stories(2, "before"))
    await casework.read_by_reporting()
    await rebuilt(casework)
    await casework.writes(stories(4, "after"))
    for _ in range(2):
        with suppress(PositionMoved):
            await casework.read_by_reporting()
    with pytest.raises(Stopped):
        await rebuild(casework.engine, PROGRAMMES, stopping(30), 5)
    await roll_back(casework.engine)
    report = await rebuilt(casework)
    assert (report.positions, report.differences) == ({f"casework/{GEMEENTE}": 10}, ())


@pytest.mark.parametrize(("audited", "changed"), [(30, 40), (60, 80), (90, 80)])
async def test_a_trail_that_was_changed_since_a_stop_is_put_right(
    casework: Casework, database_url: str, audited: int, changed: int
) -> None:
    """The last is what a version that looked ahead of the fold may have left."""
    await spread_over_time(casework, stories(20))
    await casework.read_by_reporting()
    with pytest.raises(Stopped):
        await rebuild(casework.engine, PROGRAMMES, stopping(60), 10)
    await as_owner(database_url, f"UPDATE facts_2.progress SET audited = {audited}")
    await as_owner(database_url, f"UPDATE reporting.case_events SET partner = 'another' WHERE position = {changed}")
    (told,) = (await rebuilt(casework, 10)).differences
    assert told == f"casework/GM0984: 1 in the audit trail were not as recorded, first {changed}"


async def append(casework: Casework, told: Append) -> None:
    async with casework.ledger.begin() as tx:
        await casework.ledger.append(tx, GEMEENTE, [told])


class CutAfter:
    """The connection of a build, which is lost after so many `statements`."""

    def __init__(self, connection: Any, statements: int) -> None:
        self._connection, self._left = connection, statements

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._connection, name)
        if name not in ("execute", "executemany", "copy_records_to_table"):
            return found

        async def counted(*asked: Any, **how: Any) -> Any:
            if self._left == 0:
                raise Stopped
            self._left -= 1
            return await found(*asked, **how)

        return counted


@pytest.mark.parametrize("statements", range(7))
async def test_a_checkpoint_that_is_cut_off_anywhere_leaves_rows_and_progress_together(
    casework: Casework, monkeypatch: pytest.MonkeyPatch, statements: int
) -> None:
    await spread_over_time(casework, stories(20))
    await casework.read_by_reporting()
    write, began = Bulk.write, 0

    async def cut_off(self: Bulk, *asked: Any) -> None:
        nonlocal began
        began += 1
        if began == 3:  # It writes rows of earlier ones anew.
            self._connection = CutAfter(self._connection, statements)
        await write(self, *asked)

    with monkeypatch.context() as patching:
        patching.setattr(Bulk, "write", cut_off)
        with suppress(Stopped):
            await rebuilt(casework, 10)
    assert began == 3, "it was cut off"
    assert (await rebuilt(casework, 10)).differences == ()
