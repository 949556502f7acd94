"""Every measurement in one run, to the screen and to docs/performance.md and .svg.

With SPOORBOEK_BENCH_MILLIONS=5 a rebuild of half a million events and one of five million come in: ten minutes more.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import uvloop
from rich.console import Console
from rich.markdown import Markdown

from bench.appending import appending
from bench.bus import carrying, publish
from bench.ledgers import fill
from bench.machine import load, machine
from bench.measured import Section
from bench.page import page
from bench.parts import SETTINGS, durable_postgres, migrated
from bench.picture import picture
from bench.rebuilding import by_size, rebuilding
from bench.verifying import verifying
from bench.visible import seeing
from tests.parts.kafka import running_broker

DOCS = Path(__file__).parents[1] / "docs"
GEMEENTE, CASES = "GM0984", 2500
REPEATS, SECONDS = 3, 2.0
RATES = (10, 50, 200)
MILLIONS = int(os.environ.get("SPOORBOEK_BENCH_MILLIONS", "0"))

Measure = Callable[[], Awaitable[Section]]


async def run(console: Console) -> AsyncIterator[Section]:
    """Each section as soon as it is measured; the one in milliseconds first, before others leave work behind."""
    with durable_postgres() as postgres, running_broker() as broker:
        yield await _told(console, "visible", lambda: seeing(postgres, broker.bootstrap, RATES, SECONDS * 4, REPEATS))
    with durable_postgres() as postgres, running_broker() as broker:
        yield await _told(console, "append", lambda: appending(postgres, REPEATS, SECONDS))
        async with migrated(postgres) as url:
            size = await fill(url, GEMEENTE, CASES)
            await publish(broker.bootstrap, url, GEMEENTE)
            measures: dict[str, Measure] = {
                "verify": lambda: verifying(url, GEMEENTE, size, REPEATS),
                "rebuild": lambda: rebuilding(postgres, REPEATS),
                "bus": lambda: carrying(postgres, broker.bootstrap, size, REPEATS),
            }
            if MILLIONS:
                measures["millions"] = lambda: by_size(postgres, (500_000, MILLIONS * 1_000_000))
            for what, measure in measures.items():
                yield await _told(console, what, measure)


async def _told(console: Console, what: str, measure: Measure) -> Section:
    with console.status(f"measuring: {what}"):
        section = await measure()
    for row in section.rows:
        console.print(f"{row.what}: {row.median:,.1f} {row.unit}", highlight=False)
    return section


async def measure_and_write(console: Console) -> str:
    """The page, written anew after each section: what comes later may fail on a machine that is too busy."""
    sections, before, written = list[Section](), load(), ""
    async for section in run(console):
        sections.append(section)
        written = page(sections, machine(), SETTINGS, (before, load()))
        (DOCS / "performance.md").write_text(written)
        (DOCS / "performance.svg").write_text(picture(sections))
    return written


def main() -> None:
    console = Console()
    DOCS.mkdir(exist_ok=True)
    console.print(Markdown(uvloop.run(measure_and_write(console))))
