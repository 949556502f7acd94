"""The audit trail, which all generations share: a rebuild puts it right by the ledger, and shows none what it lacks."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from unittest.mock import AsyncMock

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from eventlog.errors import BrokenLedger, PositionMoved
from eventlog.ledger import Append, NewEvent
from schemas.submission import SubmissionApplied
from services.reporting import bulk
from services.reporting.audit_trail import CASE_EVENTS, OtherTrail
from services.reporting.bulk import Bulk
from services.reporting.copies import Until, build_copy
from services.reporting.figures import Figures
from services.reporting.rebuild import rebuild
from services.reporting.spreading import Stopped
from tests.reporting.made import GEMEENTE, PROGRAMMES, CaseStory, Casework, as_appends, quietly
from tests.reporting.rebuilds import hold

DAY = date(2023, 3, 1)
STORIES = [CaseStory("one").opened(DAY).contact(DAY, 30).closed(DAY), CaseStory("two").opened(DAY).referred(DAY)]
CASE = STORIES[0].case


async def rebuilt(casework: Casework) -> tuple[str, ...]:
    return (await rebuild(casework.engine, PROGRAMMES, quietly)).differences


async def shown(casework: Casework, case: str) -> list[int]:
    """The positions of what a reader finds behind the case's first segment."""
    async with Figures(casework.engine).snapshot() as snapshot:
        return [row.position for row in await snapshot.events(case, 1)]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE reporting.case_events SET data = '{}' WHERE position = 2", "1 in the audit trail were not as rec"),
        ("UPDATE reporting.case_events SET partner = 'other' WHERE position = 2", "1 in the audit trail were not"),
        ("UPDATE reporting.case_events SET position = 90 WHERE position = 2", "1 were missing from the audit trail"),
        ("UPDATE reporting.case_events SET position = 0 WHERE position = 2", "not as recorded, first 0"),
        ("DELETE FROM reporting.case_events WHERE position >= 2", "4 were missing from the audit trail, first 2"),
        ("UPDATE reporting.case_events SET case_id = 'x' WHERE position = 5", "not as recorded, first 5"),
    ],
)
async def test_a_trail_that_is_not_what_the_ledger_says_is_told_and_put_right(
    casework: Casework, database_url: str, change: str, told: str
) -> None:
    await casework.writes(STORIES)
    await casework.read_by_reporting()
    before = await _trail(casework)
    await _as_owner(database_url, change)
    sentences = await rebuilt(casework)
    assert all(sentence.startswith(f"casework/{GEMEENTE}: ") for sentence in sentences)
    assert told in sentences[0] + sentences[-1]
    assert await _trail(casework) == before
    assert await rebuilt(casework) == ()


async def test_the_trail_is_left_alone_where_the_ledger_was_changed(casework: Casework, database_url: str) -> None:
    """It is the witness of what stood there."""
    await casework.writes(STORIES)
    await casework.read_by_reporting()
    before = await _trail(casework)
    await _as_owner(
        database_url,
        "ALTER TABLE casework.events DISABLE TRIGGER USER",
        "UPDATE casework.events SET partner = 'another' WHERE position = 2",
    )
    with pytest.raises(BrokenLedger):
        await rebuilt(casework)
    assert await _trail(casework) == before


async def test_a_copy_leaves_the_trail_alone(casework: Casework, database_url: str) -> None:
    """It ends before the live facts, and the trail is theirs."""
    await casework.writes(STORIES)
    await casework.read_by_reporting()
    await casework.writes([CaseStory("not read yet").opened(DAY)])
    await _as_owner(database_url, "UPDATE reporting.case_events SET partner = 'another' WHERE position IN (2, 5)")
    before = await _trail(casework)
    await build_copy(casework.engine, PROGRAMMES, Until(position=3), quietly)
    assert await _trail(casework) == before
    assert await rebuilt(casework) == (f"casework/{GEMEENTE}: 2 in the audit trail were not as recorded, first 2",)


async def test_a_trail_that_is_right_is_not_gone_through(casework: Casework, monkeypatch: pytest.MonkeyPatch) -> None:
    applied = NewEvent(SubmissionApplied.type, b"{}", DAY, "p", "c", "c", "")
    await casework.writes(STORIES)
    async with casework.ledger.begin() as tx:
        await casework.ledger.append(tx, GEMEENTE, [Append("submission", 0, (applied,))])
    await casework.read_by_reporting()
    gone_through = AsyncMock()
    monkeypatch.setattr(Bulk, "put_trail_right", gone_through)
    assert await rebuilt(casework) == ()
    gone_through.assert_not_awaited()


async def test_no_part_of_the_trail_is_looked_at_once_for_each_of_its_rows(
    casework: Casework, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which a plan does that was made before statistics were taken, as after a restore."""
    loops = list[str]()

    async def put_right(connection: Any, *_: object) -> list[str]:
        loops.append(await connection.fetchval("SHOW enable_nestloop"))
        return []

    await casework.writes(STORIES)
    await casework.read_by_reporting()
    await _as_owner(database_url, "DELETE FROM reporting.case_events WHERE position = 2")
    monkeypatch.setattr(bulk, "put_right", put_right)
    monkeypatch.setattr(bulk, "take_out_beyond", put_right)
    await rebuilt(casework)
    assert loops == ["off", "off"]


async def test_a_rebuild_that_was_stopped_looks_past_the_end_of_the_trail_too(
    casework: Casework, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await casework.writes(STORIES)
    await casework.read_by_reporting()
    before = await _trail(casework)
    await _as_owner(
        database_url,
        "UPDATE reporting.case_events SET partner = 'another' WHERE position = 2",
        "INSERT INTO reporting.case_events SELECT gemeente, 90, case_id, 9, type, occurred_on, recorded_at,"
        " partner, correlation, causation, data FROM reporting.case_events WHERE position = 3",
    )
    with monkeypatch.context() as stopping:
        stopping.setattr(Bulk, "end_trail", AsyncMock(side_effect=Stopped))
        with pytest.raises(Stopped):
            await rebuilt(casework)
    assert len(await rebuilt(casework)) == 2
    assert await _trail(casework) == before


async def test_a_reader_that_finds_something_else_in_the_trail_says_so_and_waits(
    casework: Casework, database_url: str
) -> None:
    await casework.writes(STORIES[:1])
    await casework.read_by_reporting()
    await _as_owner(
        database_url,
        "INSERT INTO reporting.case_events SELECT gemeente, 4, case_id, 9, type, occurred_on, recorded_at,"
        " partner, correlation, causation, data FROM reporting.case_events WHERE position = 3",
    )
    await casework.writes(STORIES[1:])
    with pytest.raises(OtherTrail, match=f"another event at {GEMEENTE}/4 than came now: run `spoorboek replay`"):
        await casework.read_by_reporting()
    assert len(await rebuilt(casework)) == 1
    with pytest.raises(PositionMoved):
        await casework.read_by_reporting()
    assert await casework.read_by_reporting() == 5
    assert await rebuilt(casework) == ()


async def test_what_a_generation_holds_in_quarantine_is_not_shown_as_counted(casework: Casework) -> None:
    told = as_appends(STORIES[0])
    broken = NewEvent(told.events[1].type, b"{", DAY, "p", "c", "c", CASE)
    async with casework.ledger.begin() as tx:
        events = (told.events[0], broken, told.events[2])
        await casework.ledger.append(tx, GEMEENTE, [Append(told.stream, 0, events)])
    await casework.restart_reporting()
    await casework.pretend_to_have_read(3)
    assert await rebuilt(casework)
    assert await shown(casework, CASE) == [1]


async def test_what_another_generation_has_had_is_not_shown_in_one_that_has_not(casework: Casework) -> None:
    await casework.writes(STORIES[:1])
    await casework.read_by_reporting()
    assert await shown(casework, CASE) == [1, 2, 3]
    async with casework.engine.begin() as tx:
        await hold(tx, "facts_1", GEMEENTE, 3)
    assert await shown(casework, CASE) == [1, 2]
    async with casework.engine.begin() as tx:
        await tx.execute(text("UPDATE reporting.readers SET position = 1 WHERE reader = 'facts_1'"))
    assert await shown(casework, CASE) == [1]


async def test_where_another_generation_is_and_what_it_holds_is_no_matter(casework: Casework) -> None:
    await casework.writes(STORIES[:1])
    await casework.read_by_reporting()
    async with casework.engine.begin() as tx:
        await hold(tx, "facts_7", GEMEENTE, 2)
    assert await shown(casework, CASE) == [1, 2, 3]


async def test_that_a_case_was_voided_is_shown_behind_each_of_its_segments(casework: Casework) -> None:
    story = CaseStory("mistake").opened(DAY).closed(DAY).opened(DAY).voided(DAY)
    await casework.writes([story])
    await casework.read_by_reporting()
    assert await shown(casework, story.case) == [1, 2, 4]


async def test_the_table_has_the_columns_that_rows_are_made_for_in_the_same_order(engine: AsyncEngine) -> None:
    query = "SELECT * FROM reporting.case_events"
    async with engine.connect() as connection:
        assert list((await connection.execute(text(query))).keys()) == CASE_EVENTS.columns.keys()


async def _as_owner(database_url: str, *statements: str) -> None:
    owner = create_async_engine(database_url)
    async with owner.begin() as tx:
        for statement in statements:
            await tx.execute(text(statement))
    await owner.dispose()


async def _trail(casework: Casework) -> Sequence[tuple[Any, ...]]:
    async with casework.engine.connect() as connection:
        rows = await connection.execute(text("SELECT position, e.* FROM reporting.case_events AS e ORDER BY position"))
        return [tuple(row) for row in rows]
