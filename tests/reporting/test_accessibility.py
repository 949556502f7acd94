"""The pages in a real browser: no violation of WCAG 2.1 AA that axe can find, and no need of a script."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import uvicorn
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page

from services.reporting.figures import Figures
from services.reporting.pages import Pages
from services.reporting.printed import load_evaluations
from services.runtime.web import make_app
from tests.reporting.made import PROGRAMMES, Casework
from tests.reporting.test_pages import STORIES, YEAR

WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
ADDRESSES = ["/", YEAR, f"{YEAR}?wijk=wijk-b", f"{YEAR}/cijfers/new", "/programmas/onbekend"]
ADDRESSES += [f"/trajecten/{STORIES[1].case}/1", "/programmas/gezinscoaches-venray/2019"]


@pytest.fixture
async def address(casework: Casework, figures: Figures) -> AsyncIterator[str]:
    await casework.restart_reporting()
    await casework.writes(STORIES)
    await casework.read_by_reporting()
    app = make_app("reporting", [Pages(figures, PROGRAMMES, load_evaluations()).router()])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    with suppress(asyncio.CancelledError):
        await serving


async def test_no_page_has_a_violation_that_axe_can_find(page: Page, address: str) -> None:
    for path in ADDRESSES:
        await page.goto(address + path)
        found = await Axe().run(page, options=WCAG)
        assert found.violations_count == 0, f"{path}\n{found.generate_report()}"


async def test_the_pages_work_without_scripts_and_fit_a_telephone(browser: Browser, address: str) -> None:
    context = await browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740})
    page = await context.new_page()
    await page.goto(address + YEAR)
    await page.get_by_role("combobox", name="Wijk").select_option("wijk-b")
    await page.get_by_role("button", name="Toon").click()
    await page.get_by_role("list", name="Kerncijfers").get_by_role("link", name="1").first.click()
    await page.get_by_role("row").nth(1).get_by_role("link").click()
    assert await page.get_by_role("heading", level=1).inner_text() == f"Casus {STORIES[1].case[:8]}, traject 1"
    await page.go_back()
    await page.go_back()
    width = await page.locator("body").evaluate("body => body.scrollWidth")
    assert width <= 360
    await context.close()
