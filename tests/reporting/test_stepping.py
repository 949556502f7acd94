"""Facts, audit trail and position in one statement: as by the longer way, and not where the longer way must look."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventlog.errors import PositionMoved
from eventlog.ledger import Append, NewEvent
from schemas.submission import SubmissionRefused
from services.reporting import reader, storing
from services.reporting.audit_trail import OtherTrail
from services.reporting.rebuild import rebuild
from services.reporting.working_set import WorkingSet
from tests.casework.stories import ref
from tests.reporting.made import GEMEENTE, PROGRAMMES, CaseStory, Casework, quietly

DAY = date(2023, 3, 1)
_AT_3 = """
    INSERT INTO reporting.case_events SELECT (jsonb_populate_record(one, '{"position": 3}')).*
    FROM reporting.case_events AS one
"""
_ONE_LESS = "UPDATE reporting.generation SET fingerprint = jsonb_set(fingerprint::jsonb, '{programmes}', '{}')::text"
_COUNTED = """
    SELECT coalesce(sum(minutes), 0), (SELECT max(position) FROM reporting.readers) FROM facts_{}.segments
"""


class Steps:
    """Counts the steps that were taken, and those that were tried in vain."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken = self.in_vain = 0
        monkeypatch.setattr(reader, "save_with", self._save_with)

    async def _save_with(self, *asked: Any) -> int | None:
        written_by = await storing.save_with(*asked)
        self.taken += written_by is not None
        self.in_vain += written_by is None
        return written_by


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    return Steps(monkeypatch)


def whole_story() -> CaseStory:
    story = CaseStory("one").opened(DAY).first_contact(DAY).contact(DAY, 30).classified(DAY, "complex-intensive")
    story.referred(DAY).answered(DAY).corrected(DAY, age_years=9).closed(DAY, referred_to=("police",))
    return story.opened(date(2023, 5, 1)).contact(date(2023, 5, 2), 15).closed(date(2023, 6, 1)).voided(DAY)


async def counted(engine: AsyncEngine, generation: int = 1) -> tuple[int, int]:
    """(minutes of all segments, where the reader is)"""
    async with engine.connect() as connection:
        minutes, position = (await connection.execute(text(_COUNTED.format(generation)))).one()
        return minutes, position


async def put_back_to_1(engine: AsyncEngine) -> None:
    """As after a return to an earlier generation: the trail is further than the facts."""
    async with engine.begin() as tx:
        await tx.execute(text("UPDATE reporting.readers SET position = 1"))
        await tx.execute(text("UPDATE facts_1.segments SET minutes = 0, contacts = 0"))


async def test_facts_and_trail_are_what_a_rebuild_makes_of_them(
    casework: Casework, engine: AsyncEngine, steps: Steps
) -> None:
    await casework.writes([whole_story(), CaseStory("other").opened(DAY)])
    assert await casework.read_by_reporting(batch=1) == len(whole_story().told) + 1
    assert (steps.taken, steps.in_vain) == (len(whole_story().told), 0)
    assert (await rebuild(engine, PROGRAMMES, quietly)).differences == ()


async def test_a_switch_between_loading_and_saving_is_heard_of(
    casework: Casework, engine: AsyncEngine, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = CaseStory("one").opened(DAY)
    await casework.writes([story])
    await casework.read_by_reporting()
    await casework.writes([story.contact(DAY, 30)])
    monkeypatch.setattr(reader, "load", _then(storing.load, lambda: rebuild(engine, PROGRAMMES, quietly)))
    with pytest.raises(PositionMoved):
        await casework.read_by_reporting()
    monkeypatch.undo()
    assert (steps.taken, steps.in_vain, (await counted(engine))[0]) == (0, 1, 0)
    await casework.read_by_reporting()
    assert await counted(engine, 2) == (30, 2)


async def test_a_generation_that_two_rebuilds_dropped_meanwhile_is_left(
    casework: Casework, engine: AsyncEngine
) -> None:
    story = CaseStory("one").opened(DAY)
    await casework.writes([story])
    await casework.read_by_reporting()
    for _ in range(2):
        await rebuild(engine, PROGRAMMES, quietly)
    await casework.writes([story.contact(DAY, 30)])
    with pytest.raises(PositionMoved):
        await casework.read_by_reporting()
    await casework.read_by_reporting()
    assert await counted(engine, 3) == (30, 2)


async def test_the_same_is_heard_of_by_what_brings_no_fact(casework: Casework, engine: AsyncEngine) -> None:
    await casework.writes([CaseStory("one").opened(DAY)])
    await casework.read_by_reporting()
    for _ in range(2):
        await rebuild(engine, PROGRAMMES, quietly)
    refused = SubmissionRefused(submission=ref("s"), case=ref("c"), rule="case-unknown", sentence="No such case.")
    answer = NewEvent(refused.type, refused.encode(), DAY, "synthetic-school", "correlation", "causation")
    async with casework.ledger.begin() as tx:
        await casework.ledger.append(tx, GEMEENTE, [Append("submission-s", 0, (answer,))])
    with pytest.raises(PositionMoved):
        await casework.read_by_reporting()
    assert await casework.read_by_reporting() == 2


async def test_another_event_in_the_trail_stops_the_reader_as_before(
    casework: Casework, engine: AsyncEngine, steps: Steps
) -> None:
    story = CaseStory("one").opened(DAY)
    await casework.writes([story])
    await casework.read_by_reporting()
    await casework.writes([story.contact(DAY, 30).contact(DAY, 5)])
    async with engine.begin() as tx:
        await tx.execute(text(_AT_3))
    with pytest.raises(OtherTrail):
        await casework.read_by_reporting()
    assert (steps.taken, steps.in_vain, await counted(engine)) == (0, 1, (0, 1))


async def test_an_event_that_the_trail_has_already_is_counted(
    casework: Casework, engine: AsyncEngine, steps: Steps
) -> None:
    story = CaseStory("one").opened(DAY).contact(DAY, 30).contact(DAY, 5)
    await casework.writes([story])
    await casework.read_by_reporting()
    await put_back_to_1(engine)
    await casework.read_by_reporting(batch=1)
    assert (steps.taken, steps.in_vain, await counted(engine)) == (0, 1, (35, 3))


async def test_rules_that_another_process_wrote_are_looked_at(
    casework: Casework, engine: AsyncEngine, steps: Steps
) -> None:
    """Another version of this process knows one programme less: no departure, but this one has to see that, once."""
    story = CaseStory("one").opened(DAY)
    await casework.writes([story])
    await casework.read_by_reporting()
    async with engine.begin() as tx:
        await tx.execute(text(_ONE_LESS))
    for _ in range(3):
        await casework.writes([story.contact(DAY, 30)])
        await casework.read_by_reporting()
    assert (steps.taken, steps.in_vain, await counted(engine)) == (2, 1, (90, 4))


async def test_what_goes_in_vain_is_tried_ever_more_seldom(
    casework: Casework, engine: AsyncEngine, steps: Steps
) -> None:
    """All the way up to where the audit trail ends, then again in steps."""
    story = CaseStory("one").opened(DAY)
    for _ in range(40):
        story.contact(DAY, 1)
    await casework.writes([story])
    await casework.read_by_reporting()
    await put_back_to_1(engine)
    await casework.read_by_reporting(batch=1)
    assert (steps.taken, steps.in_vain, await counted(engine)) == (0, 6, (40, 41))
    for _ in range(100):
        await casework.writes([story.contact(DAY, 1)])
        await casework.read_by_reporting()
    assert (steps.in_vain, await counted(engine)) == (6, (140, 141))
    assert steps.taken > 70


def _then(
    load: Callable[..., Awaitable[WorkingSet]], come_between: Callable[[], Awaitable[object]]
) -> Callable[..., Awaitable[WorkingSet]]:
    async def loading(tx: AsyncConnection, *asked: Any) -> WorkingSet:
        rows = await load(tx, *asked)
        await come_between()
        return rows

    return loading
