"""The PostgreSQL of the bench: started as the tests start theirs, but durable, because that is what is claimed."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncpg
import psutil

from services.migrations import migrate
from tests.parts.postgres import Postgres, running_postgres

# Everything that durability depends on is as PostgreSQL ships it; the rest keeps a checkpoint out of a short run, and
# tells when something was committed.
SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "max_connections": "200",
    "shared_buffers": "2GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "track_commit_timestamp": "on",
}


@contextmanager
def durable_postgres() -> Iterator[Postgres]:
    with running_postgres(SETTINGS) as server:
        yield server


@asynccontextmanager
async def migrated(postgres: Postgres) -> AsyncIterator[str]:
    """The URL of a new database with today's tables."""
    async with postgres.database() as url:
        await migrate(url)
        yield url


async def analyze(database_url: str) -> None:
    """What autovacuum does within a minute: no figure may depend on whether it has come by."""
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    await connection.execute("ANALYZE")
    await connection.close()


async def server_process(database_url: str) -> psutil.Process | None:
    """The server's first process, which begins one for each connection; None where it runs in a container."""
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    try:
        ours = psutil.Process(connection.get_server_pid())
        return ours.parent() if ours.name().startswith("postgres") and hasattr(ours, "cpu_affinity") else None
    except psutil.NoSuchProcess:
        return None
    finally:
        await connection.close()
