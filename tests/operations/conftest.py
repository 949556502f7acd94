"""Processes to look at, on a database of the test's own that may be killed."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from services.migrations import migrate
from services.process import Process
from services.runtime import Settings, Telemetry
from tests.journey.world import World
from tests.parts.folder import remove, run_folder
from tests.parts.postgres_process import PostgresProcess


class Clock:
    """Stands still until the test lets time pass, for the ledger and for who watches alike."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 3, 2, 9, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


@asynccontextmanager
async def world_of(
    settings: Settings, clock: Clock | None = None, telemetry: Telemetry | None = None
) -> AsyncIterator[World]:
    process = Process(settings, telemetry=telemetry) if clock is None else Process(settings, clock=clock.now)
    if clock is not None:
        process.watch._lags._monotonic = clock.monotonic
    try:
        await process.start()
        transport = httpx.ASGITransport(process.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://spoorboek", timeout=60) as client:
            yield World(process, client)
    finally:
        await process.stop()


@pytest.fixture
def own_postgres() -> Iterator[PostgresProcess]:
    """A server of the test's own; it does not run yet."""
    folder = run_folder() / f"postgres-{uuid4().hex[:8]}"
    server = PostgresProcess(folder)
    try:
        yield server
    finally:
        server.kill()
        remove(folder)


@pytest.fixture
async def running_postgres(own_postgres: PostgresProcess) -> PostgresProcess:
    """The same, started and with today's tables."""
    own_postgres.start()
    await migrate(own_postgres.url())
    return own_postgres
