"""`make bench`: every measurement in one run, to the screen and to docs/performance.md and .svg."""

import asyncio
from collections.abc import Awaitable, Callable
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
REPEATS, SECONDS = 3, 3.0
RATES = (50, 200)

Measure = Callable[[], Awaitable[Section]]


async def run(console: Console) -> list[Section]:
    with durable_postgres() as postgres, running_broker() as broker:
        sections = [await _told(console, "append", lambda: appending(postgres, REPEATS, SECONDS))]
        async with migrated(postgres) as url:
            size = await fill(url, GEMEENTE, CASES)
            await publish(broker.bootstrap, url, GEMEENTE)
            read_by_peer = await _peers_reading(postgres, size)
            for what, measure in {
                "verify": lambda: verifying(url, GEMEENTE, size, REPEATS),
                "rebuild": lambda: rebuilding(url, GEMEENTE, size, REPEATS, read_by_peer),
                "bus": lambda: carrying(postgres, broker.bootstrap, size, REPEATS),
            }.items():
                sections.append(await _told(console, what, measure))
    with durable_postgres() as postgres, running_broker() as broker:
        seen = await _told(console, "visible", lambda: seeing(postgres, broker.bootstrap, RATES, SECONDS * 2, REPEATS))
    return [*sections, seen]


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


def main() -> None:
    console, before = Console(), load()
    sections = asyncio.run(run(console))
    written = page(sections, machine(), SETTINGS, (before, load()))
    DOCS.mkdir(exist_ok=True)
    (DOCS / "performance.md").write_text(written)
    (DOCS / "performance.svg").write_text(picture(sections))
    console.print(Markdown(written))


if __name__ == "__main__":
    main()
