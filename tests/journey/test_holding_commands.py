"""`spoorboek quarantine` and `spoorboek parked` as the operator types them, with their exit codes."""

import asyncio
import base64
import os
import sys
from collections.abc import AsyncIterator
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from services import holding
from services.demonstration.senders import PARTNERS
from services.holding_commands import quarantine
from tests.journey.conftest import started
from tests.journey.world import World, enquiry, hold_a_case, settings_for, strange


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with started(settings_for(database_url, None)) as world:
        yield world


async def spoorboek(world: World, *words: str) -> tuple[int, str, str]:
    """(exit code, what it says, what it complains of)"""
    settings = world.process.settings
    assert settings.vault_key is not None
    environment = os.environ | {
        "SPOORBOEK_DATABASE_URL": settings.database_url,
        "SPOORBOEK_VAULT_KEY": base64.b64encode(settings.vault_key).decode(),
        "SPOORBOEK_PARTNERS": str(PARTNERS),
        "COLUMNS": "400",
    }
    program = Path(sys.executable).with_name("spoorboek")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(program, *words, env=environment, stdout=pipe, stderr=pipe)
    said, complained = await process.communicate()
    return process.returncode or 0, said.decode(), complained.decode()


async def test_nothing_is_held(world: World) -> None:
    assert await spoorboek(world, "quarantine", "list") == (0, "Nothing is in quarantine.\n", "")
    assert await spoorboek(world, "quarantine", "redrive") == (0, "Nothing to try again.\n", "")
    code, said, complained = await spoorboek(world, "quarantine", "redrive", "--case", "x")
    assert (code, said) == (1, "")
    assert complained.startswith("no reader holds case x: ")
    code, _, complained = await spoorboek(world, "parked", "show", "submissions.school/0/1")
    assert (code, complained.split(":")[0]) == (1, "submissions.school/0/1 is not parked")


async def test_a_case_that_still_cannot_be_taken_is_an_exit_code(world: World) -> None:
    await hold_a_case(world)
    code, said, complained = await spoorboek(world, "quarantine", "list", "--service", "reporting")
    assert (code, said.split(" case ")[0]) == (0, "reporting facts_1 casework/GM0984/3"), complained
    code, said, _ = await spoorboek(world, "quarantine", "redrive")
    assert code == 1
    assert ": 0 taken, stopped at 3: casework/GM0984/3: " in said
    assert (await spoorboek(world, "replay"))[0] == 0
    _, said, _ = await spoorboek(world, "quarantine", "list", "--service", "reporting")
    assert [line.split(",")[0].split(" ", 5)[5:] for line in said.splitlines()] == [["(not live: that is facts_2)"], []]
    await world.settle()
    metrics = (await world.client.get("/metrics")).text
    assert 'spoorboek_quarantined_events{service="reporting"} 1.0' in metrics, "a generation that is kept is no alarm"


async def test_more_cases_than_are_read_at_once_are_all_tried(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "AT_ONCE", 2)
    await world.send(*(enquiry(case, "2023-02-01") for case in "abcde"))
    ledger = world.process.parts["casework"].ledger
    async with ledger.begin() as tx:
        facts = [event for event in await ledger.read(tx, "GM0984", 0) if event.type.endswith("case.opened.v1")]
        await ledger.append(tx, "GM0984", [strange(fact) for fact in facts])
    await world.settle()
    assert await holding.redrive_quarantine(world.process.settings, ["reporting"], None, Console(quiet=True)) == 5


async def test_of_a_long_wait_the_rest_is_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await hold_a_case(world, 3)
    said = Console(file=StringIO(), width=300)
    for at_once in (3, 2):
        monkeypatch.setattr(holding, "AT_ONCE", at_once)
        await holding.show_quarantine(world.process.settings, "casework/GM0984", 4, said)
    assert isinstance(said.file, StringIO)
    whole, cut = (line for line in said.file.getvalue().splitlines() if line.startswith("case "))
    assert whole.endswith("; held of it: 3, 4, 5")
    assert cut.endswith("; held of it: 3, 4 and 1 more")


@pytest.mark.parametrize(
    "words",
    [
        "list --service archive",
        "redrive --service archive",
        "show 12",
        "show x/y",
        "show a/b/²",
        "show a/b/" + "9" * 20,
    ],
)
def test_wrong_use_is_said_before_anything_is_done(words: str) -> None:
    assert CliRunner().invoke(quarantine, words.split()).exit_code == 2
