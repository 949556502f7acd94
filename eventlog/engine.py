"""Connections to PostgreSQL: in the role of one service, replaced when they break, ended where their owner froze."""

from time import monotonic
from typing import Any

from sqlalchemy.event import listen
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from eventlog.connections import IDLE_SECONDS, MOST_AT_HAND

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
        pool_size=20 + MOST_AT_HAND,
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
        if idle_seconds > IDLE_SECONDS:
            try:
                dialect.do_ping(connection)
            except dialect.loaded_dbapi.Error as error:
                raise DisconnectionError from error

    listen(engine.sync_engine, "checkin", returned)
    listen(engine.sync_engine, "checkout", taken)
