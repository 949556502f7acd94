"""The same installation twice: once on the local bus, once with Kafka between the services."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from rich.console import Console

from services.process import Process
from services.run import load_demonstration
from services.runtime import Settings
from tests.journey.world import World, settings_for
from tests.parts.postgres import Postgres


@asynccontextmanager
async def started(settings: Settings) -> AsyncIterator[World]:
    process = Process(settings)
    try:
        await process.start()
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(process.app), base_url="http://spoorboek", timeout=60
        ) as client:
            yield World(process, client)
    finally:
        await process.stop()


@pytest.fixture(scope="session")
async def venray(postgres: Postgres, migrated_template: str) -> AsyncIterator[World]:
    """The demonstration history of Venray, loaded once for the tests that only look at it."""
    async with postgres.database(template=migrated_template) as url, started(settings_for(url, None)) as world:
        await load_demonstration(world.process, Console(quiet=True))
        yield world


@pytest.fixture(params=["local", "kafka"])
def bus(request: pytest.FixtureRequest) -> str | None:
    """None for the local bus; the broker's address for Kafka."""
    return request.getfixturevalue("empty_kafka") if request.param == "kafka" else None


@pytest.fixture
async def world(database_url: str, bus: str | None) -> AsyncIterator[World]:
    async with started(settings_for(database_url, bus)) as world:
        yield world
