"""A real browser for the tests of the pages."""

import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Error, Page, async_playwright

ON_THIS_MACHINE = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MISSING = (
    "A page's test needs a browser: install Chromium (Debian package chromium), "
    "or run `.venv/bin/playwright install chromium`."
)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The machine's Chromium, else the one Playwright brought; started by the first test that asks."""
    found = next(filter(None, map(shutil.which, ON_THIS_MACHINE)), None)
    async with async_playwright() as playwright:
        try:
            started = await playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        except Error as error:
            pytest.fail(f"{MISSING} {error.message.splitlines()[0]}", pytrace=False)
        yield started
        await started.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page as a Dutch municipality sees it, with nothing left of an earlier test."""
    context = await browser.new_context(locale="nl-NL", timezone_id="Europe/Amsterdam")
    yield await context.new_page()
    await context.close()
