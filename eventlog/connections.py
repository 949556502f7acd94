"""Connections for what is asked many times a second, of the driver: through SQLAlchemy it takes five times as long.

They come from an engine's pool and stay at hand between two uses: to take one out and to put it back costs as much as
two questions.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

import asyncpg
from sqlalchemy import Engine
from sqlalchemy.event import listen
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventlog.errors import Standstill

IDLE_SECONDS = 10.0
"""What was idle longer is asked whether it still answers: of a line that is dead the driver does not know."""

MOST_AT_HAND = 5
_GONE = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


class Connections:
    """Those of one engine: get them with `connections_of`."""

    def __init__(self, engine: AsyncEngine) -> None:
        # Where a transaction begins and ends, the driver is told: SQLAlchemy is to begin none.
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._at_hand: list[tuple[AsyncConnection, float]] = []
        self._disposed = 0
        listen(engine.sync_engine, "engine_disposed", self._let_go)

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[AsyncConnection]:
        """For questions by themselves: each takes one round trip, in no transaction."""
        connection, disposed = await self._take(), self._disposed
        try:
            yield connection
        finally:
            if disposed == self._disposed and self._has_room() and self._is_as_it_was(connection):
                self._at_hand.append((connection, monotonic()))
            else:
                await asyncio.shield(connection.close())

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        async with self.asking() as connection, begun(connection):
            yield connection

    async def _take(self) -> AsyncConnection:
        while self._at_hand:
            connection, since = self._at_hand.pop()
            driver, answers = driver_of(connection), False
            try:
                answers = await _answers(driver, monotonic() - since)
            finally:
                if not answers:
                    driver.terminate()
                    await asyncio.shield(connection.close())
            if answers:
                return connection
        return await self._engine.connect()

    def _has_room(self) -> bool:
        """Where the pool has no other left, somebody may be waiting there for this one."""
        pool: Any = self._engine.pool
        return len(self._at_hand) < MOST_AT_HAND and pool.checkedout() < pool.size()

    def _is_as_it_was(self, connection: AsyncConnection) -> bool:
        """One over which SQLAlchemy itself was asked something is not: it goes to the pool, which sees to that."""
        if connection.invalidated or connection.in_transaction():
            return False
        driver, options = driver_of(connection), connection.sync_connection.get_execution_options()  # type: ignore[union-attr]
        if driver.is_closed() or options != self._engine.get_execution_options():
            return False
        return not driver.is_in_transaction()

    def _let_go(self, engine: Engine) -> None:
        self._disposed += 1
        while self._at_hand:
            connection, _ = self._at_hand.pop()
            connection.sync_connection.invalidate()  # type: ignore[union-attr]
            connection.sync_connection.close()  # type: ignore[union-attr]


_CONNECTIONS: WeakKeyDictionary[AsyncEngine, Connections] = WeakKeyDictionary()


def connections_of(engine: AsyncEngine) -> Connections:
    """The same for all who share `engine`; they end with it."""
    if (found := _CONNECTIONS.get(engine)) is None:
        found = _CONNECTIONS[engine] = Connections(engine)
    return found


@asynccontextmanager
async def begun(connection: AsyncConnection) -> AsyncIterator[None]:
    """A transaction on `connection`, one of those above. What is raised in it is what its caller hears.

    Where it is not known how it ended, or whether it began, the connection ends with it.
    """
    driver, ended = driver_of(connection), False
    try:
        await driver.execute("BEGIN")
        try:
            yield
        except BaseException:
            with suppress(*_GONE):  # What was raised says more.
                await driver.execute("ROLLBACK")
                ended = True
            raise
        said = await driver.execute("COMMIT")
        ended = True
        if said != "COMMIT":
            raise Standstill("a statement had failed before the commit, and somebody went on: nothing was kept")
    finally:
        if not ended:
            driver.terminate()


def driver_of(connection: AsyncConnection) -> Any:
    """The asyncpg connection under `connection`, for questions."""
    return connection.sync_connection.connection.driver_connection  # type: ignore[union-attr]


def driver_in(tx: AsyncConnection) -> Any:
    """The same for what changes something: `tx` must have begun, or each change would be its own transaction."""
    driver = driver_of(tx)
    if not driver.is_in_transaction():
        raise Standstill("nothing has begun this transaction: open it with `Connections.transaction`")
    return driver


async def _answers(driver: Any, idle_seconds: float) -> bool:
    if driver.is_closed():
        return False
    if idle_seconds > IDLE_SECONDS:
        try:
            await driver.fetchval("SELECT 1")
        except _GONE:
            return False
    return True
