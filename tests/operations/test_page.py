"""The operations page: says in Dutch what is wrong, refreshes without a script, and keeps to WCAG 2.1 AA."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest
import uvicorn
from axe_playwright_python.async_playwright import Axe
from fastapi import FastAPI
from playwright.async_api import Browser, Page

from services.operations import duration, operations_router
from services.runtime.metrics import Metrics
from services.runtime.standing import Building, Held, LedgerLag, LedgerStanding, ReaderStanding, Standing
from services.runtime.web import make_app

GOOD = Standing(
    started=True,
    away={},
    parts=("database", "broker"),
    readers=(
        ReaderStanding("intake", "relay", "intake", (LedgerLag("GM0984", 0, 0.0),)),
        ReaderStanding("casework", "casework", "intake", (LedgerLag("GM0984", 1234, 3.21),)),
        ReaderStanding("reporting", "facts_2", "casework", (LedgerLag("GM0984", 0, 0.0),)),
    ),
    ledgers=(LedgerStanding("intake", "GM0984", 5_000_000, "ab" * 32, synthetic=True),),
    held={"casework": Held()},
    parked={},
)
BAD = replace(
    GOOD,
    away={"broker": "KafkaConnectionError"},
    readers=(
        ReaderStanding("intake", "relay", "intake", (LedgerLag("GM0984", 12, 200.0, stuck=True),)),
        ReaderStanding("casework", "casework", "intake", None),
    ),
    held={"casework": Held(1, 3), "reporting": Held(1, 0)},
    parked={"not-signed": 2},
    building=(Building(3, 250_000, 1_000_000), Building(4, 2, 5, stopped=True)),
)
NO_DATABASE = Standing(True, {"database": "ConnectionRefusedError"}, ("database",))
STARTING = replace(NO_DATABASE, started=False, away={})


def app_of(standing: Standing, services: Sequence[str] = ("intake", "casework")) -> FastAPI:
    async def look() -> Standing:
        return standing

    def now() -> datetime:
        return datetime(2026, 3, 2, 9, tzinfo=UTC)

    return make_app("test", [operations_router(look, Metrics(), services, now)])


async def shown(
    standing: Standing, path: str = "/beheer", services: Sequence[str] = ("intake", "casework")
) -> httpx.Response:
    transport = httpx.ASGITransport(app_of(standing, services))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get(path)


async def test_a_process_in_order_says_so_first() -> None:
    page = (await shown(GOOD)).text
    assert "<title>In orde" in page
    assert "02-03-2026 10:00:00" in page
    assert "1.234" in page
    assert "3,2 s" in page
    assert "5.000.000" in page
    assert "ab" * 32 in page


async def test_a_demonstration_says_so() -> None:
    assert "Synthetische gegevens" in (await shown(GOOD)).text
    real = replace(GOOD, ledgers=tuple(replace(ledger, synthetic=False) for ledger in GOOD.ledgers))
    assert "synthetische" not in (await shown(real)).text.lower()


async def test_what_is_wrong_is_named_with_what_it_means() -> None:
    page = " ".join((await shown(BAD)).text.split())
    assert "<title>Niet in orde" in page
    assert "De berichtenbus (Kafka) is weg (KafkaConnectionError)" in page
    assert "inzendingen worden aangenomen en wachten in het grootboek" in page
    assert "Lezer relay van intake staat stil in intake/GM0984: er wacht al 3 min een gebeurtenis" in page
    assert "intake antwoordt niet" in page
    assert "not-signed: 2" in page
    assert (
        '<p class="value">2</p><p class="quiet">3 wachten erachter: <code>spoorboek quarantine list</code></p>' in page
    )
    assert "250.000 van 1.000.000 gebeurtenissen. De cijfers van nu blijven zichtbaar" in page
    assert "2 van 5 gebeurtenissen. <strong>Ligt stil:</strong>" in page
    assert "Geef dezelfde opdracht (<code>spoorboek replay</code>) opnieuw" in page


@pytest.mark.parametrize(
    ("known_on", "command"),
    [("2023-05-01", "spoorboek replay --until 2023-05-01"), ("12", "spoorboek replay --until-position 12")],
)
async def test_a_copy_that_was_left_half_built_says_what_goes_on_with_it(known_on: str, command: str) -> None:
    page = (await shown(replace(GOOD, building=(Building(4, 2, 5, stopped=True, known_on=known_on),)))).text
    assert f"Opbouw van de cijfers zoals bekend {known_on} (generatie 4)" in page
    assert f"Geef dezelfde opdracht (<code>{command}</code>) opnieuw" in page


async def test_of_many_ledgers_in_which_a_reader_stands_still_a_few_are_named() -> None:
    ledgers = tuple(LedgerLag(f"GM{number:04}", 1, 60.0 + number, stuck=True) for number in range(300))
    page = (await shown(replace(GOOD, readers=(ReaderStanding("reporting", "facts_2", "casework", ledgers),)))).text
    assert "staat stil in casework/GM0000, casework/GM0001, " in page
    assert "casework/GM0004 en 295 andere: er wacht al 6 min een gebeurtenis" in page
    assert "GM0005" not in page


async def test_who_owns_no_ledger_says_nothing_of_ledgers() -> None:
    assert "in 1 grootboek" in (await shown(GOOD)).text
    page = (await shown(replace(GOOD, ledgers=()), services=("reporting",))).text
    assert "grootboek" not in page.lower()
    assert '<a href="/">Spoorboek</a>' in page


async def test_without_the_database_or_before_the_start_the_page_still_answers() -> None:
    page = (await shown(NO_DATABASE)).text
    assert "De database is weg" in page
    assert "probeer later opnieuw" in page
    assert "Dit proces is nog aan het starten" in (await shown(STARTING)).text


async def test_it_refreshes_by_itself_until_told_not_to() -> None:
    assert (await shown(GOOD)).headers["Refresh"] == "15"
    still = await shown(GOOD, "/beheer?stil=true")
    assert "Refresh" not in still.headers
    assert "<script" not in still.text


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.04, "0,0 s"), (9.96, "10,0 s"), (59, "59 s"), (121, "2 min"), (7201, "2 uur"), (200_000, "2 dagen")],
)
def test_a_time_is_said_in_the_unit_that_fits(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.fixture(params=[GOOD, BAD, NO_DATABASE], ids=["good", "bad", "no database"])
async def address(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    server = uvicorn.Server(uvicorn.Config(app_of(request.param), port=0, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/beheer"
    server.should_exit = True
    with suppress(asyncio.CancelledError):
        await serving


async def test_the_page_has_no_violation_that_axe_can_find(page: Page, address: str) -> None:
    await page.goto(address)
    found = await Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
    assert found.violations_count == 0, found.generate_report()


async def test_the_page_fits_a_telephone(browser: Browser, address: str) -> None:
    context = await browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740})
    page = await context.new_page()
    await page.goto(address)
    assert await page.locator("body").evaluate("body => body.scrollWidth") <= 360
    await context.close()
