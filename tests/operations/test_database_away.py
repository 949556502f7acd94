"""Without its database a process stays up, says so, takes nothing it cannot keep, and goes on by itself."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from eventlog.connections import connections_of
from services.runtime.away import database_is_away
from services.runtime.web import make_app
from tests.journey.world import COACH, World, enquiry, settings_for
from tests.operations.conftest import world_of
from tests.parts.postgres_process import PostgresProcess

RECOVERY_SECONDS = 30

# Asking for the server is what makes a test a connected one.
pytestmark = pytest.mark.connected


async def test_a_killed_database_loses_nothing_and_everything_goes_on_when_it_is_back(
    running_postgres: PostgresProcess,
) -> None:
    async with world_of(settings_for(running_postgres.url(), None)) as world:
        (before,) = await world.send(enquiry("C1", "2023-03-01"))
        sending = [asyncio.create_task(_post(world, _numbered(number))) for number in range(2, 40)]
        await asyncio.sleep(0.05)
        running_postgres.kill()
        meanwhile = await asyncio.gather(*sending)

        refused = await _post(world, _numbered(40))
        ready, live, accepting = [await world.client.get(f"/health/{path}") for path in ("ready", "live", "accepting")]
        metrics, page = [await world.client.get(path) for path in ("/metrics", "/beheer")]

        running_postgres.start()
        async with asyncio.timeout(RECOVERY_SECONDS):
            while (await world.client.get("/health/ready")).status_code != 200:
                await asyncio.sleep(0.1)
        again = [await _post(world, _numbered(number)) for number in range(2, 41)]
        await world.settle()
        fates = [await world.fate(answer.json()["submission"]) for answer in again]
        new = await world.value("new")

    assert {answer.status_code for answer in meanwhile} <= {202, 503}
    assert refused.status_code == 503, refused.text
    assert refused.headers["Retry-After"] == "5"
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert (ready.status_code, ready.json()["status"], ready.json()["away"]) == (503, "database away", ["database"])
    assert (live.status_code, accepting.status_code) == (200, 503)
    assert 'spoorboek_part_up{part="database"} 0.0' in metrics.text
    assert "spoorboek_reader_events_behind{" not in metrics.text, "no old values for what could not be asked"
    assert "De database is weg" in page.text
    taken = {answer.json()["submission"] for answer in meanwhile if answer.status_code == 202}
    assert {answer.status_code for answer in again} == {202}
    assert taken <= {fate["submission"] for fate in fates}
    assert {fate["status"] for fate in [before, *fates]} == {"applied"}
    assert new == 40


async def test_when_every_connection_is_taken_senders_are_asked_to_come_back(database_url: str) -> None:
    async with world_of(settings_for(database_url, None)) as world:
        engine = world.process.parts["intake"].engine
        pool: Any = engine.pool
        pool._timeout = 0.3
        async with AsyncExitStack() as held:
            for _ in range(pool.size()):
                await held.enter_async_context(connections_of(engine).asking())
            refused, ready = await asyncio.gather(
                _post(world, enquiry("C1", "2023-03-01")), world.client.get("/health/ready")
            )
        taken = await _post(world, enquiry("C1", "2023-03-01"))
        assert (await world.client.get("/health/ready")).status_code == 200

    assert (refused.status_code, refused.headers.get("Retry-After")) == (503, "5")
    assert (ready.status_code, ready.json()["away"]) == (503, ["database"])
    assert taken.status_code == 202


_FULL = """
CREATE FUNCTION disk_is_full() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
CREATE FUNCTION row_does_not_fit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON intake.events FOR EACH STATEMENT EXECUTE FUNCTION row_does_not_fit();
CREATE EVENT TRIGGER full_disk ON ddl_command_start EXECUTE FUNCTION disk_is_full()
"""
_ROOM = ("DROP EVENT TRIGGER full_disk", "DROP TRIGGER full_disk ON intake.events")
_CUT_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
_READ_ONLY = f"""
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$;
{_CUT_OTHERS}
"""
_WRITABLE = (
    "SET default_transaction_read_only = off",
    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET default_transaction_read_only', current_database()); END $$",
    _CUT_OTHERS,
)


@pytest.mark.parametrize(
    ("before", "after", "why"), [(_FULL, _ROOM, "DiskFullError"), (_READ_ONLY, _WRITABLE, "read-only")]
)
async def test_a_database_that_answers_and_takes_nothing_is_away(
    database_url: str, before: str, after: Sequence[str], why: str
) -> None:
    owner = create_async_engine(database_url, isolation_level="AUTOCOMMIT")
    async with world_of(settings_for(database_url, None)) as world:
        async with owner.connect() as connection:
            for statement in before.split(";\n"):
                await connection.execute(text(statement))
        refused = await _post(world, enquiry("C1", "2023-03-01"))
        accepting = await world.client.get("/health/accepting")
        away = (await world.process.watch.look()).away
        page = await world.client.get("/beheer")
        async with owner.connect() as connection:
            for statement in after:
                await connection.execute(text(statement))
        async with asyncio.timeout(RECOVERY_SECONDS):
            while (await world.client.get("/health/accepting")).status_code != 200:
                await asyncio.sleep(0.1)
        again = await _post(world, enquiry("C1", "2023-03-01"))
    await owner.dispose()
    assert (refused.status_code, refused.headers.get("Retry-After")) == (503, "5")
    assert (accepting.status_code, away) == (503, {"database": why})
    assert f"De database is weg ({why})" in page.text
    assert again.status_code == 202


async def test_a_role_that_may_not_try_to_write_is_no_database_that_is_away(database_url: str) -> None:
    owner = create_async_engine(database_url)
    roles = "PUBLIC, spoorboek_intake, spoorboek_casework, spoorboek_reporting"
    revoke = f"DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM {roles}', current_database()); END $$"
    async with owner.begin() as tx:
        await tx.execute(text(revoke))
    await owner.dispose()
    async with world_of(settings_for(database_url, None)) as world:
        world.process.watch.doubt()
        asked = [await world.client.get(path) for path in ("/health/accepting", "/health/ready", "/metrics", "/beheer")]
    assert [answer.status_code for answer in asked] == [200] * 4


async def test_a_copy_that_is_broken_off_is_answered_as_a_database_that_is_away(database_url: str) -> None:
    """SQLAlchemy does not wrap what the driver raises from a COPY: here the server, which ends it after a while."""
    router = APIRouter()

    @router.post("/copy")
    async def copy() -> None:
        async with engine.connect() as connection, engine.connect() as other:
            await other.execute(text("LOCK TABLE intake.readers IN ACCESS EXCLUSIVE MODE"))
            await connection.execute(text("SET statement_timeout = 50"))
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await driver.copy_records_to_table(
                "readers", schema_name="intake", columns=["reader"], records=[("outcomes",)]
            )

    engine = create_async_engine(database_url)
    transport = httpx.ASGITransport(make_app("test", [router]), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        broken_off = await client.post("/copy")
    await engine.dispose()
    assert (broken_off.status_code, broken_off.headers.get("Retry-After")) == (503, "5")


async def test_what_is_our_own_fault_is_not_laid_on_the_database(database_url: str) -> None:
    engine = create_async_engine(database_url)
    for mistake in ("SELECT 1 / 0", "SELECT * FROM nowhere"):
        async with engine.connect() as connection:
            with pytest.raises(Exception) as raised:
                await connection.execute(text(mistake))
        assert not database_is_away(raised.value)
    await engine.dispose()
    assert not database_is_away(FileNotFoundError("a template"))


def _numbered(number: int) -> dict[str, Any]:
    return enquiry(f"C{number}", "2023-03-01", id=f"submission-{number}")


async def _post(world: World, event: dict[str, Any]) -> httpx.Response:
    headers = {"Authorization": f"Bearer {COACH.bearer_key}", "Content-Type": "application/cloudevents+json"}
    return await world.client.post("/v1/events", json=event, headers=headers)
