"""A rebuild meets the same poison: it holds the same events, builds the same rows, and can be redriven."""

import json
from collections.abc import AsyncIterator
from datetime import date
from io import StringIO
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy import text

from eventlog.ledger import Append, NewEvent, Recorded
from schemas.case import CaseContactLogged
from services.holding import held_cases, redrive_quarantine
from services.reporting import reader
from services.reporting.folding import read_fact
from services.upkeep import replay
from tests.journey.conftest import started
from tests.journey.world import World, ended, enquiry, settings_for
from tests.parts.postgres import as_owner

STRANGE = "nl.overheid.jeugdzaken.case.paused.v1"
PROGRAMME = "gezinscoaches-venray"


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with started(settings_for(database_url, None)) as world:
        yield world


def poison(opened: Recorded, *, readable: bool) -> Append:
    """The next event of a case: one that cannot be decoded, or a fact about a segment that was never opened."""
    fact = CaseContactLogged(programme=PROGRAMME, case=opened.case, segment=9, contact="c" * 32, minutes=5)
    return after(opened, *((fact.type, fact.encode()) if readable else (STRANGE, b"{}")))


def after(opened: Recorded, kind: str, data: bytes) -> Append:
    return Append(opened.stream, 1, (NewEvent(kind, data, date(2023, 2, 2), opened.partner, "c", "", opened.case),))


async def poisoned(world: World) -> None:
    """Four cases, of which two hold something that no reader can take."""
    await world.send(*(enquiry(case, "2023-02-01") for case in "abcd"))
    ledger = world.process.parts["casework"].ledger
    async with ledger.begin() as tx:
        opened = [event for event in await ledger.read(tx, "GM0984", 0) if event.type.endswith("case.opened.v1")]
        await ledger.append(tx, "GM0984", [poison(opened[0], readable=False), poison(opened[2], readable=True)])
    await world.send(*(ended(case, "2023-03-01") for case in "bd"))


async def held(world: World, generation: int) -> list[tuple[Any, ...]]:
    query = text("SELECT position, case_id, status, reason FROM reporting.quarantine WHERE reader = :name ORDER BY 1")
    async with world.process.parts["reporting"].engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(query, {"name": f"facts_{generation}"})]


async def test_a_rebuild_holds_what_the_live_reader_holds(world: World) -> None:
    await poisoned(world)
    before = await held(world, 1)
    assert [(position, status) for position, _, status, _ in before] == [(9, "quarantined"), (10, "quarantined")]
    console = Console(file=StringIO(), width=500)
    await replay(world.process.settings, console)
    assert isinstance(console.file, StringIO)
    assert "Every row is as it was." in console.file.getvalue()
    assert await held(world, 2) == before
    await world.send(enquiry("e", "2023-02-01"))
    assert (await world.value("new"), await world.value("closed")) == (5, 2)


UNSTORABLE: dict[str, dict[str, Any]] = {
    "more than a column takes": {"minutes": 3_000_000_000},
    "a NUL": {"contact": "c\0"},
    "longer than an index takes": {"contact": "".join(map(chr, range(0x4E00, 0x9FA5)))},
    "a NUL in a name": {"a\0b": 1},
    "a name of its own": {"Synthetische Naam": 1},
}


@pytest.mark.parametrize("wrong", UNSTORABLE.values(), ids=UNSTORABLE)
async def test_what_no_table_takes_holds_its_case_alone_and_no_rebuild(world: World, wrong: dict[str, Any]) -> None:
    await world.send(*(enquiry(case, "2023-02-01") for case in "ab"))
    ledger = world.process.parts["casework"].ledger
    async with ledger.begin() as tx:
        opened, *_ = [event for event in await ledger.read(tx, "GM0984", 0) if event.type.endswith("opened.v1")]
        fact = CaseContactLogged(programme=PROGRAMME, case=opened.case, segment=1, contact="c" * 32, minutes=5)
        await ledger.append(
            tx, "GM0984", [after(opened, fact.type, json.dumps(json.loads(fact.encode()) | wrong).encode())]
        )
    await world.send(ended("b", "2023-03-01"))
    before = await held(world, 1)
    assert [(position, status) for position, _, status, _ in before] == [(5, "quarantined")]
    assert "Naam" not in before[0][-1]
    await replay(world.process.settings, Console(quiet=True))
    assert await held(world, 2) == before
    assert await world.value("closed") == 1


async def test_what_a_rebuild_held_can_be_redriven(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a version that knows the strange event; the generation that is kept holds on to its own."""
    await poisoned(world)
    await replay(world.process.settings, Console(quiet=True))
    await world.settle()
    monkeypatch.setattr(reader, "read_fact", lambda event: None if event.type == STRANGE else read_fact(event))
    assert await redrive_quarantine(world.process.settings, ["reporting"], None, Console(quiet=True)) == 1
    assert [position for position, *_ in await held(world, 2)] == [10]
    assert [position for position, *_ in await held(world, 1)] == [9, 10]
    engine = world.process.parts["reporting"].engine
    assert {(case.reader, case.position) for case in await held_cases(engine, "reporting")} == {
        ("facts_1", 9),
        ("facts_1", 10),
        ("facts_2", 10),
    }


async def test_what_only_the_live_facts_held_is_counted_again_and_said(world: World, database_url: str) -> None:
    await world.send(*(enquiry(case, "2023-02-01") for case in "ab"))
    await as_owner(database_url, "ALTER TABLE facts_1.segments ADD CHECK (closed_on IS NULL)")
    await world.send(ended("a", "2023-03-01"))
    assert await world.value("closed") == 0
    console = Console(file=StringIO(), width=500)
    await replay(world.process.settings, console)
    assert isinstance(console.file, StringIO)
    *_, counted, same = console.file.getvalue().splitlines()
    assert (counted, same) == ("Held before, and counted now: 1 case.", "Every other row is as it was.")
    assert await world.value("closed") == 1
