"""The dashboard walked in a real browser: from a figure to its list to its events."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from services.serve import serving
from tests.journey.world import World
from tests.parts.kafka_process import free_port


@pytest.fixture(scope="module")
async def address(venray: World) -> AsyncIterator[str]:
    port = free_port()
    async with serving(venray.process, "127.0.0.1", port):
        yield f"http://127.0.0.1:{port}"


YEAR = "/programmas/gezinscoaches-venray/2023"


async def test_the_page_of_2023_shows_what_the_evaluation_prints(page: Page, address: str) -> None:
    await page.goto(address)
    await page.get_by_role("link", name="2023").click()
    await expect(page).to_have_title(re.compile("2023"))
    for number in ("285", "173", "112"):
        await expect(page.get_by_role("link", name=number, exact=True).first).to_be_visible()
    await expect(page.get_by_text("Synthetische gegevens.")).to_be_visible()
    assert await page.locator("svg").count() >= 5


async def test_the_list_behind_173_has_173_rows_and_opens_down_to_the_events(page: Page, address: str) -> None:
    await page.goto(address + YEAR)
    await page.get_by_role("link", name="173", exact=True).first.click()
    rows = page.locator("table tbody tr")
    await expect(rows).to_have_count(173)
    await expect(page.get_by_text("Synthetische gegevens.")).to_be_visible()
    await rows.first.get_by_role("link").first.click()
    await expect(page.get_by_text("casework/GM0984").first).to_be_visible()
    await expect(page.get_by_text("Synthetische gegevens.")).to_be_visible()


async def test_year_and_wijk_are_a_choice_away(page: Page, address: str) -> None:
    await page.goto(address + YEAR)
    await page.get_by_role("combobox", name=re.compile("Wijk")).select_option("wijk-a")
    await page.get_by_role("button", name="Toon").click()
    await expect(page).to_have_url(re.compile(r"wijk=wijk-a"))
    await page.get_by_role("link", name="2022", exact=True).click()
    await expect(page).to_have_url(re.compile(r"2022\?wijk=wijk-a"))


async def test_the_pages_need_no_script_and_say_nothing_in_the_console(page: Page, address: str) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    for path in ("/", YEAR, f"{YEAR}/cijfers/closed"):
        answer = await page.goto(address + path)
        assert answer is not None
        assert answer.status == 200
    assert said == []
    answer = await page.goto(f"{address}/programmas/bestaat-niet/2023")
    assert answer is not None
    assert answer.status == 404
