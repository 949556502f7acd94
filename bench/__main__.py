"""`make bench`: every measurement in one run, to the screen and to docs/performance.md and .svg."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown

from bench import peer
from bench.appending import appending
from bench.bus import carrying, publish
from bench.ledgers import fill
from bench.machine import load, machine
from bench.measured import Measured, Section
from bench.page import page
from bench.parts import SETTINGS, durable_postgres, migrated
from bench.picture import picture
from bench.reading import rebuilding, verifying
from bench.visible import seeing
from tests.parts.kafka import running_broker
from tests.parts.postgres import Postgres

DOCS = Path(__file__).parents[1] / "docs"
GEMEENTE, CASES = "GM0984", 2500
REPEATS, SECONDS = 3, 2.0
RATES = (50, 200)

Measure = Callable[[], Awaitable[Section]]


async def run(console: Console) -> AsyncIterator[Section]:
    """Each section as soon as it is measured."""
    with durable_postgres() as postgres, running_broker() as broker:
        yield await _told(console, "append", lambda: appending(postgres, REPEATS, SECONDS))
        async with migrated(postgres) as url:
            size = await fill(url, GEMEENTE, CASES)
            await publish(broker.bootstrap, url, GEMEENTE)
            read_by_peer = await _peers_reading(postgres, size)
            measures: dict[str, Measure] = {
                "verify": lambda: verifying(url, GEMEENTE, size, REPEATS),
                "rebuild": lambda: rebuilding(url, GEMEENTE, size, REPEATS, read_by_peer),
                "bus": lambda: carrying(postgres, broker.bootstrap, size, REPEATS),
            }
            for what, measure in measures.items():
                yield await _told(console, what, measure)
    with durable_postgres() as postgres, running_broker() as broker:
        yield await _told(console, "visible", lambda: seeing(postgres, broker.bootstrap, RATES, SECONDS * 2, REPEATS))


async def _told(console: Console, what: str, measure: Measure) -> Section:
    with console.status(f"measuring: {what}"):
        section = await measure()
    for row in section.rows:
        console.print(f"{row.what}: {row.median:,.1f} {row.unit}", highlight=False)
    return section


async def _peers_reading(postgres: Postgres, size: int) -> Measured:
    """The peer's log has events of the same size, as many as our ledger."""
    async with postgres.database() as url:
        with peer.contacts(url) as app:
            await asyncio.to_thread(peer.fill, app, size)
            values = [await asyncio.to_thread(peer.read_rate, app) for _ in range(REPEATS)]
    return Measured("eventsourcing, log to objects", "events/s", tuple(values))


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
    console.print(Markdown(asyncio.run(measure_and_write(console))))


if __name__ == "__main__":
    main()
