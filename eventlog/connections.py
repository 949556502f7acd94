"""Connections for what is asked many times a second, of the driver: through SQLAlchemy it takes five times as long.

They come from an engine's pool and stay at hand between two uses: to take one out and to put it back costs as much as
two questions.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

import asyncpg
from sqlalchemy import Engine
from sqlalchemy.event import listen
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

IDLE_SECONDS = 10.0
"""What was idle longer is asked whether it still answers: of a line that is dead the driver does not know."""

_MOST_AT_HAND = 5


class Connections:
    """Those of one engine: get them with `connections_of`."""

    def __init__(self, engine: AsyncEngine) -> None:
        # Where a transaction begins and ends, the driver is told: SQLAlchemy is to begin none.
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._at_hand: list[tuple[AsyncConnection, float]] = []
        listen(engine.sync_engine, "engine_disposed", self._let_go)

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[AsyncConnection]:
        """For questions by themselves: each takes one round trip, in no transaction."""
        connection = await self._take()
        try:
            yield connection
        finally:
            await self._put_back(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        async with self.asking() as connection, begun(connection):
            yield connection

    async def _take(self) -> AsyncConnection:
        while self._at_hand:
            connection, since = self._at_hand.pop()
            if await _answers(driver_of(connection), monotonic() - since):
                return connection
            await connection.close()
        return await self._engine.connect()

    async def _put_back(self, connection: AsyncConnection) -> None:
        """To hand; one over which SQLAlchemy itself was asked something goes to its pool, which makes it as it was."""
        as_it_was = not (connection.invalidated or connection.in_transaction() or driver_of(connection).is_closed())
        if as_it_was and len(self._at_hand) < _MOST_AT_HAND:
            self._at_hand.append((connection, monotonic()))
        else:
            await asyncio.shield(connection.close())

    def _let_go(self, engine: Engine) -> None:
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
    """A transaction on `connection`, one of those above."""
    driver = driver_of(connection)
    try:
        async with driver.transaction():
            yield
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
        raise RuntimeError("nothing has begun this transaction: open it with `Connections.transaction`")
    return driver


async def _answers(driver: Any, idle_seconds: float) -> bool:
    if driver.is_closed():
        return False
    if idle_seconds > IDLE_SECONDS:
        try:
            await driver.fetchval("SELECT 1")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            driver.terminate()
            return False
    return True
