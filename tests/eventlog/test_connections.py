"""Connections of the pool that the database has closed are replaced unseen, and a question takes one round trip."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine

from eventlog import connections
from eventlog import engine as engines
from eventlog.connections import connections_of, driver_in, driver_of
from eventlog.errors import Standstill
from eventlog.postgres import PostgresLedger
from eventlog.verification import verify
from tests.eventlog.making import append

OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = $1"


async def test_connections_that_a_restart_closed_are_replaced(engine: AsyncEngine, database_url: str) -> None:
    opened = [await engine.connect() for _ in range(5)]
    drivers: list[Any] = [driver_of(connection) for connection in opened]
    for connection in opened:
        await connection.execute(text("SELECT 1"))
        await connection.close()
    url = make_url(database_url).set(drivername="postgresql")
    operator = await asyncpg.connect(url.render_as_string(hide_password=False))
    await operator.execute(OTHERS, url.database)
    await operator.close()
    async with asyncio.timeout(20):
        while not all(driver.is_closed() for driver in drivers):
            await asyncio.sleep(0.01)  # The server ends them when it comes to it.
    for _ in range(5):
        async with engine.connect() as connection:
            assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1


async def test_a_connection_that_was_idle_is_asked_whether_it_still_answers(
    engine: AsyncEngine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver of one whose line died without a word does not know yet that it is closed."""
    monkeypatch.setattr(engines, "IDLE_SECONDS", 0.0)
    async with engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        before = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
    monkeypatch.setattr(type(driver), "is_closed", lambda self: False)
    url = make_url(database_url).set(drivername="postgresql")
    operator = await asyncpg.connect(url.render_as_string(hide_password=False))
    await operator.execute(OTHERS, url.database)
    await operator.close()
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one() != before


async def test_a_connection_goes_to_who_waits_for_one(database_url: str) -> None:
    engine = engines.make_engine(database_url, "intake")
    pool: Any = engine.pool
    async with AsyncExitStack() as held:
        for _ in range(pool.size() - 1):
            await held.enter_async_context(engine.connect())
        async with connections_of(engine).asking():
            waiting = asyncio.ensure_future(_one_question(engine))
            await asyncio.sleep(0.05)
        async with asyncio.timeout(1):
            assert await waiting == 1
    await engine.dispose()


async def test_a_question_opens_no_transaction(ledger: PostgresLedger) -> None:
    async with ledger.begin() as tx:
        await ledger.append(tx, "GM0984", [append("a")])
    async with ledger.asking() as tx:
        moments = [(await tx.execute(text("SELECT transaction_timestamp()"))).scalar_one() for _ in range(2)]
        assert moments[0] < moments[1]
        assert await ledger.sizes(tx) == {"GM0984": 1}


async def test_nobody_goes_on_in_a_transaction_whose_end_was_cut_short(
    engine: AsyncEngine, ledger: PostgresLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = asyncpg.Connection.execute

    async def cut_short(self: asyncpg.Connection, query: str, *args: object) -> str:
        if query == "ROLLBACK":
            raise asyncio.CancelledError
        return str(await execute(self, query, *args))

    async def append_and_fail() -> None:
        async with connections_of(engine).transaction() as tx:
            await ledger.append(tx, "GM0984", [append("a")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await append_and_fail()
    with monkeypatch.context() as stopped:
        stopped.setattr(asyncpg.Connection, "execute", cut_short)
        with pytest.raises(asyncio.CancelledError):
            await append_and_fail()
    async with connections_of(engine).asking() as connection:
        assert not driver_of(connection).is_in_transaction()
        assert await ledger.sizes(connection) == {}


async def test_what_changes_something_is_not_let_into_a_transaction_that_nobody_began(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        with pytest.raises(Standstill, match="begun"):
            driver_in(connection)
        await connection.execute(text("SELECT 1"))
        assert driver_in(connection) is driver_of(connection)


async def test_whoever_is_stopped_at_whatever_moment_leaves_the_next_a_sound_connection(
    engine: AsyncEngine, ledger: PostgresLedger
) -> None:
    async def append_to(stream: str) -> None:
        async with ledger.begin() as tx:
            await ledger.append(tx, "GM0984", [append(stream)])

    for number in range(60):
        stopped = asyncio.create_task(append_to(f"stopped{number}"))
        for _ in range(number % 20):
            await asyncio.sleep(0)
        stopped.cancel()
        (how,) = await asyncio.gather(stopped, return_exceptions=True)
        assert how is None or isinstance(how, asyncio.CancelledError)
        await append_to(f"next{number}")
    async with engine.connect() as other:
        query = text("SELECT count(*) FROM casework.events WHERE stream LIKE 'next%'")
        assert (await other.execute(query)).scalar_one() == 60
    await verify(ledger, "GM0984")


async def test_a_stop_is_heard_where_sqlalchemy_waits(ledger: PostgresLedger) -> None:
    """It ends the connection under the transaction, which must not say that in place of the stop."""

    async def wait() -> None:
        async with ledger.begin() as tx:
            await tx.execute(text("SELECT pg_sleep(20)"))

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0.3)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_what_was_kept_nowhere_is_said(ledger: PostgresLedger) -> None:
    async def go_on_after_a_failure() -> None:
        async with ledger.begin() as tx:
            with pytest.raises(asyncpg.PostgresError):
                await driver_in(tx).execute("SELECT 1/0")

    with pytest.raises(Standstill, match="nothing was kept"):
        await go_on_after_a_failure()


async def test_one_at_hand_that_was_idle_is_asked_too(
    engine: AsyncEngine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.0)
    async with connections_of(engine).asking() as connection:
        driver = driver_of(connection)
        before = await driver.fetchval("SELECT pg_backend_pid()")
    with monkeypatch.context() as unaware:
        unaware.setattr(type(driver), "is_closed", lambda self: self._protocol is None)
        url = make_url(database_url).set(drivername="postgresql")
        operator = await asyncpg.connect(url.render_as_string(hide_password=False))
        await operator.execute(OTHERS, url.database)
        await operator.close()
        async with connections_of(engine).asking() as connection:
            assert await driver_of(connection).fetchval("SELECT pg_backend_pid()") != before


async def _one_question(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return int((await connection.execute(text("SELECT 1"))).scalar_one())
