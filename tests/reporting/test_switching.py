"""A switch while events come in: each is counted once in either generation, whoever brings it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from eventlog.errors import PositionMoved
from eventlog.ledger import LedgerId
from eventlog.quarantine import Quarantine
from services.reporting import rebuild as rebuilding
from services.reporting.comparing import differences
from services.reporting.generation_build import Build
from services.reporting.generations import hold_generation
from services.reporting.rebuild import rebuild, roll_back
from tests.eventlog.making import catch_up
from tests.parts.waiting import until_waiting
from tests.reporting.made import GEMEENTE, PROGRAMMES, CaseStory, Casework, quietly

DAY = date(2023, 3, 1)
LEDGER = LedgerId("casework", GEMEENTE)
_HELD = """
    INSERT INTO reporting.quarantine (reader, ledger, position, case_id, type, status, reason)
    VALUES ('facts_1', 'casework/GM0984', 1, :case, 'nl.spoorboek.case.opened.v1', 'quarantined', 'mended since')
"""


@pytest.mark.parametrize("just_started", [False, True])
async def test_two_deliveries_that_wait_for_the_switch_count_each_event_once(
    casework: Casework, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch, just_started: bool
) -> None:
    """The bus and the watch beside it deliver to one reader, and may both be under way when the switch comes."""
    story = CaseStory("one").opened(DAY)
    await casework.writes([story])
    await casework.read_by_reporting()
    if just_started:  # It does not know yet where it stands: each of the two locks that first, and then waits.
        casework._follower._left.clear()
    compared, compare = asyncio.Event(), asyncio.Event()
    monkeypatch.setattr(rebuilding, "differences", _when(compare, compared, differences))
    switching = asyncio.create_task(rebuild(engine, PROGRAMMES, quietly))
    await compared.wait()
    delivered = []
    for waiting in (1, 2):
        await casework.writes([story.contact(DAY, 30)])
        delivered.append(asyncio.create_task(catch_up(casework._follower, LEDGER, 1)))
        await until_waiting(engine, waiting)
    compare.set()
    await switching
    for one in await asyncio.gather(*delivered, return_exceptions=True):
        assert one == 2 or isinstance(one, PositionMoved)  # Who hears of the switch from the other goes on by itself.
    await casework.read_by_reporting()
    assert await _counted(engine, 2) == (60, 2)
    assert await _counted(engine, 1) == (0, 0)
    await roll_back(engine)
    await casework.writes([story.contact(DAY, 30)])
    with pytest.raises(PositionMoved):
        await casework.read_by_reporting()
    await casework.read_by_reporting()
    assert await _counted(engine, 1) == (90, 3)


async def test_a_switch_waits_for_a_batch_that_is_under_way(casework: Casework, engine: AsyncEngine) -> None:
    await casework.writes([CaseStory("one").opened(DAY)])
    await casework.read_by_reporting()
    async with casework._follower.positions.begin() as tx:
        await hold_generation(tx)
        switching = asyncio.create_task(rebuild(engine, PROGRAMMES, quietly))
        await until_waiting(engine)
        assert not switching.done()
    assert (await switching).generation == 2


async def test_batches_that_come_while_a_switch_waits_do_not_pass_it(casework: Casework, engine: AsyncEngine) -> None:
    """They share what it wants for itself: of ever new ones, one would always be under way."""
    await casework.writes([CaseStory("one").opened(DAY)])
    await casework.read_by_reporting()

    async def comes_next() -> int:
        async with casework._follower.positions.begin() as tx:
            held = await hold_generation(tx)
            assert held is not None
            return held.live

    async with casework._follower.positions.begin() as tx:
        await hold_generation(tx)
        switching = asyncio.create_task(rebuild(engine, PROGRAMMES, quietly))
        await until_waiting(engine)
        began = monotonic()
        next_one = asyncio.create_task(comes_next())
        await until_waiting(engine, 2)
        assert not next_one.done()
        await asyncio.sleep(0.1)
        waited = monotonic() - began
    assert await next_one == 2
    assert (await switching).waited_seconds > waited


async def test_what_comes_just_before_the_switch_is_counted_in_the_new_generation(
    casework: Casework, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    story, finish = CaseStory("one").opened(DAY), Build.finish
    await casework.writes([story])
    await casework.read_by_reporting()

    async def more_comes(self: Build) -> None:
        await finish(self)
        await casework.writes([story.contact(DAY, 30)])
        await casework.read_by_reporting()

    monkeypatch.setattr(Build, "finish", more_comes)
    report = await rebuild(engine, PROGRAMMES, quietly)
    assert (report.differences, report.events, report.positions) == ((), 2, {str(LEDGER): 2})
    assert await _counted(engine, 2) == (30, 1)


async def test_a_case_in_quarantine_hears_of_the_switch_too(casework: Casework, engine: AsyncEngine) -> None:
    """Nobody handles what waits behind a bad event; the live facts must get it all the same."""
    casework._follower.quarantine = Quarantine("reporting")
    story = CaseStory("one").opened(DAY)
    await casework.writes([story])
    await casework.read_by_reporting()
    async with engine.begin() as tx:
        await tx.execute(text(_HELD), {"case": story.case})
        await tx.execute(text("UPDATE reporting.readers SET held = true"))
    await rebuild(engine, PROGRAMMES, quietly)
    await casework.writes([story.contact(DAY, 30)])
    with pytest.raises(PositionMoved):
        await casework.read_by_reporting()
    await casework.read_by_reporting()
    assert await _counted(engine, 2) == (30, 1)


def _when(go_on: asyncio.Event, here: asyncio.Event, work: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
    async def waiting(*given: Any) -> Any:
        here.set()
        await go_on.wait()
        return await work(*given)

    return waiting


async def _counted(engine: AsyncEngine, generation: int) -> tuple[int, int]:
    async with engine.connect() as connection:
        rows = await connection.execute(text(f"SELECT minutes, contacts FROM facts_{generation}.segments"))
        minutes, contacts = rows.one()
        return minutes, contacts
