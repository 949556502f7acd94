"""What the tests of reporting ask for: a database with reporting's tables, and casework's ledger in it."""

from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from eventlog.engine import make_engine
from services.reporting.api import make_api
from services.reporting.figures import Figures
from services.reporting.pages import Pages
from services.reporting.printed import load_evaluations
from services.runtime.web import make_app
from tests.reporting.made import PROGRAMMES, Casework


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


@pytest.fixture
async def client(casework: Casework, figures: Figures) -> AsyncIterator[httpx.AsyncClient]:
    await casework.restart_reporting()
    pages = Pages(figures, PROGRAMMES, load_evaluations())
    app = make_app("reporting", [make_api(figures, PROGRAMMES), pages.router()])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://spoorboek") as client:
        yield client
