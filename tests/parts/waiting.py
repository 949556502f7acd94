"""Who waits for a lock of a database: seen waiting, and its connection ended."""

import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"
_END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
_AGAIN_SECONDS, _LONGEST_SECONDS = 0.02, 10


async def until_waiting(engine: AsyncEngine, count: int = 1) -> None:
    async with asyncio.timeout(_LONGEST_SECONDS), engine.connect() as connection:
        while (await connection.execute(text(_WAITING))).scalar_one() < count:
            await asyncio.sleep(_AGAIN_SECONDS)


async def end_who_waits(database_url: str) -> None:
    """Returns once there was somebody."""
    owner = create_async_engine(database_url, isolation_level="AUTOCOMMIT")
    async with asyncio.timeout(_LONGEST_SECONDS), owner.connect() as connection:
        while not (await connection.execute(text(_END))).all():
            await asyncio.sleep(_AGAIN_SECONDS)
    await owner.dispose()
