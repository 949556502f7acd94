"""The browser of the tests is real and starts every page afresh."""

from playwright.async_api import Page


async def test_a_page_is_shown_in_dutch_circumstances(page: Page) -> None:
    await page.set_content("<h1>Gezinscoaches</h1>")
    assert await page.inner_text("h1") == "Gezinscoaches"
    assert await page.evaluate("navigator.language") == "nl-NL"
