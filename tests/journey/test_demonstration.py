"""The demonstration history goes through the gate like any partner's and adds up to what the evaluation prints."""

import re

import pytest
from rich.console import Console

from services.demonstration.targets import PROGRAMME
from services.run import load_demonstration
from tests.journey.world import World


@pytest.fixture
def world(venray: World) -> World:
    """The whole history, loaded once: these tests only look."""
    return venray


PRINTED = [  # ground truth of the evaluation; what it does not print is absent
    ("2021", "active", 302),
    ("2022", "active", 300),
    ("2023", "active", 285),
    ("2022", "closed", 193),
    ("2023", "closed", 173),
    ("2022", "open-at-end", 107),
    ("2023", "open-at-end", 112),
    ("2023", "open-at-start", 107),
    ("2023", "new", 178),
]

_IN_THE_CLEAR = re.compile(rb"Synthetisch|SYN-(?:F-)?2\d{3}-|SYN-COACH-")
"""What is told of people: their words, and references of cases, families and coaches; so long that no sealed field
(letters, digits, - and _ by chance) holds one."""


@pytest.mark.parametrize(("year", "indicator", "printed"), PRINTED)
async def test_the_totals_are_the_printed_ones(world: World, year: str, indicator: str, printed: int) -> None:
    figure = await world.figure(indicator, year)
    assert figure["value"] == printed
    assert figure["synthetic"] is True


@pytest.mark.parametrize(("year", "indicator", "printed"), PRINTED)
async def test_the_list_behind_a_figure_has_as_many_rows(world: World, year: str, indicator: str, printed: int) -> None:
    query = {"programme": PROGRAMME, "period": year, "pageSize": 1000}
    behind = await world.get(f"/v1/figures/{indicator}/segments", **query)
    assert behind["total"] == len(behind["segments"]) == printed


async def test_nothing_of_it_was_rejected_or_refused(world: World) -> None:
    parts = world.process.parts["intake"]
    async with parts.ledger.begin() as tx:
        events = await parts.ledger.read(tx, "GM0984", 0, limit=100_000)
    kinds = {event.type.split(".submission.")[1] for event in events}
    assert kinds == {"accepted.v1", "applied.v1"}


async def test_loading_again_adds_nothing(world: World) -> None:
    ledger = world.process.parts["intake"].ledger
    async with ledger.begin() as tx:
        before = await ledger.sizes(tx)
    await load_demonstration(world.process, Console(quiet=True))
    async with ledger.begin() as tx:
        assert await ledger.sizes(tx) == before


async def test_no_personal_text_is_anywhere_in_the_clear(world: World) -> None:
    """Every byte of every ledger; the sealed fields are there, so that they are searched."""
    sealed = 0
    for service, parts in world.process.parts.items():
        async with parts.ledger.begin() as tx:
            events = await parts.ledger.read(tx, "GM0984", 0, limit=100_000)
        stored = b"\n".join(event.leaf() for event in events)
        found = _IN_THE_CLEAR.search(stored)
        assert found is None, f"{service} holds {found}"
        sealed += stored.count(b"sealed:v1:")
    assert sealed > 100
