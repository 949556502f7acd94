"""Connections to PostgreSQL: in the role of one service, replaced when they break, ended where their owner froze.

What is asked many times a second is asked of the driver itself: through SQLAlchemy it takes up to five times as long.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

from sqlalchemy.event import listen
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

_IDLE_SECONDS = 10.0
_FROZEN_SECONDS = 60
"""A process that stands still, or whose host is gone, has the lock of a reader for so long.

A relay that waits longer for the broker loses it, too: what it had under way is published again, as after a crash.
"""


def make_engine(database_url: str, service: str) -> AsyncEngine:
    """Connections that act as the service's role, so that PostgreSQL itself keeps the events append-only.

    Errors never quote parameters: they may be about a family. A connection that a restart of the database has closed is
    replaced when it is next wanted.
    """
    engine = create_async_engine(
        database_url,
        hide_parameters=True,
        pool_size=20,
        max_overflow=0,
        pool_timeout=5,
        connect_args={
            "server_settings": {
                "role": f"spoorboek_{service}",
                "application_name": f"spoorboek {service}",
                "idle_in_transaction_session_timeout": f"{_FROZEN_SECONDS}s",
                "plan_cache_mode": "force_generic_plan",  # They look up by key: a plan costs as much as a look-up.
            }
        },
    )
    _keep_alive(engine)
    return engine


def asking(engine: AsyncEngine) -> AsyncEngine:
    """`engine` for questions by themselves: each is one round trip, in no transaction."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that the driver begins and ends; `engine` is one for `asking`, so that SQLAlchemy begins none."""
    async with engine.connect() as connection:
        driver = driver_of(connection)
        try:
            async with driver.transaction():
                yield connection
        finally:
            if driver.is_in_transaction():
                driver.terminate()  # Its end was cut short: nobody may go on in it.


def driver_of(connection: AsyncConnection) -> Any:
    """The asyncpg connection under `connection`, for questions."""
    return connection.sync_connection.connection.driver_connection  # type: ignore[union-attr]


def driver_in(tx: AsyncConnection) -> Any:
    """The same for what changes something: `tx` must have begun, or each change would be its own transaction."""
    driver = driver_of(tx)
    if not driver.is_in_transaction():
        raise RuntimeError("nothing has begun this transaction: open it with `transaction`")
    return driver


def _keep_alive(engine: AsyncEngine) -> None:
    """Replace a connection that is closed, or was idle and no longer answers, before somebody works with it.

    SQLAlchemy's `pool_pre_ping` asks each time, in two round trips. What was used just now the driver knows about.
    """
    dialect = engine.dialect

    def returned(connection: Any, record: Any) -> None:
        record.info["idle since"] = monotonic()

    def taken(connection: Any, record: Any, _: object) -> None:
        idle_seconds = monotonic() - record.info.get("idle since", monotonic())
        if connection.driver_connection.is_closed():
            raise DisconnectionError
        if idle_seconds > _IDLE_SECONDS:
            try:
                dialect.do_ping(connection)
            except dialect.loaded_dbapi.Error as error:
                raise DisconnectionError from error

    listen(engine.sync_engine, "checkin", returned)
    listen(engine.sync_engine, "checkout", taken)
