"""What the tests of reporting ask for: a database with reporting's tables, and casework's ledger in it."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from services.reporting.figures import Figures
from services.reporting.generations import GENERATION
from tests.reporting.made import Casework


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(database_url)
    async with engine.begin() as tx:
        await tx.run_sync(lambda connection: GENERATION.create(connection, checkfirst=True))
    yield engine
    await engine.dispose()


@pytest.fixture
async def casework(engine: AsyncEngine) -> Casework:
    return Casework(engine)


@pytest.fixture
async def figures(engine: AsyncEngine) -> Figures:
    return Figures(engine)
