"""What the tests of reporting ask for: a database with reporting's tables, and casework's ledger in it."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from eventlog.postgres import make_engine
from services.reporting.figures import Figures
from tests.reporting.made import Casework


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """As the service connects: what reporting may not do fails here too."""
    engine = make_engine(database_url, "reporting")
    yield engine
    await engine.dispose()


@pytest.fixture
async def casework(database_url: str, engine: AsyncEngine) -> AsyncIterator[Casework]:
    writing = make_engine(database_url, "casework")
    yield Casework(writing, engine)
    await writing.dispose()


@pytest.fixture
async def figures(engine: AsyncEngine) -> Figures:
    return Figures(engine)
