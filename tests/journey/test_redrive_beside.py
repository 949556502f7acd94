"""A redrive beside the services with programmes of its own: nothing is folded by those, and nobody stands still."""

from collections.abc import AsyncIterator
from io import StringIO
from pathlib import Path

import pytest
import yaml
from rich.console import Console
from sqlalchemy import select

from services.holding import held_cases, redrive_quarantine
from services.reporting.generations import GENERATION
from services.reporting.reader import OtherRules
from services.runtime import Settings
from tests.journey.conftest import started
from tests.journey.test_second_programme import PROGRAMME
from tests.journey.world import World, enquiry, hold_a_case, settings_for

DAY = "2023-02-01"


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with started(settings_for(database_url, None)) as world:
        yield world


@pytest.fixture
def one_more(database_url: str, tmp_path: Path) -> Settings:
    """What an operator has who has just added a programme that the running reporting does not know."""
    for folder in ("programmes", "partners"):
        (tmp_path / folder).mkdir()
    (tmp_path / "programmes" / "jeugdbuurt.yaml").write_text(yaml.safe_dump(PROGRAMME))
    return settings_for(database_url, None, tmp_path)


async def rules(world: World) -> str:
    async with world.process.parts["reporting"].engine.connect() as connection:
        return str((await connection.execute(select(GENERATION.c.fingerprint))).scalar_one())


async def test_where_nothing_is_held_the_figures_move_on(world: World, one_more: Settings) -> None:
    before, said = await rules(world), StringIO()
    assert await redrive_quarantine(one_more, ["reporting"], None, Console(file=said, width=300)) == 0
    assert said.getvalue() == "Nothing to try again.\n"
    assert await rules(world) == before
    await world.send(enquiry("b", DAY))
    assert await world.value("new") == 1


async def test_what_is_held_is_not_folded_by_other_rules_than_those_that_are_served(
    world: World, one_more: Settings
) -> None:
    await hold_a_case(world)
    before, held = await rules(world), await held_cases(world.process.parts["reporting"].engine, "reporting")
    with pytest.raises(OtherRules, match=r"^the live facts \(generation 1\) are kept by other programmes or"):
        await redrive_quarantine(one_more, ["reporting"], None, Console(quiet=True))
    assert await held_cases(world.process.parts["reporting"].engine, "reporting") == held != []
    assert await rules(world) == before
    await world.send(enquiry("b", DAY))
    assert await world.value("new") == 2
    assert await redrive_quarantine(world.process.settings, ["reporting"], None, Console(quiet=True)) == 1
