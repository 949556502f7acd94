"""Events are only ever added: PostgreSQL refuses anything else to the services, and to the owner as well."""

from io import StringIO

import pytest
from rich.console import Console
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from structlog.testing import capture_logs

from eventlog.engine import make_engine
from eventlog.errors import BrokenLedger
from eventlog.postgres import PostgresLedger
from eventlog.verification import verify
from services.migrations import migrate
from services.runtime import Settings
from services.runtime.database import DatabaseProbe
from services.upkeep import verify as verify_all
from tests.eventlog.making import GEMEENTE, append

CHANGES = (
    "UPDATE casework.events SET partner = 'x'",
    "DELETE FROM casework.events",
    "TRUNCATE casework.events",
)


async def attempt(engine: AsyncEngine, statement: str) -> None:
    async with engine.begin() as connection:
        await connection.exec_driver_sql(statement)


@pytest.mark.parametrize("change", CHANGES)
async def test_a_service_has_no_right_to_change_events(
    ledger: PostgresLedger, engine: AsyncEngine, change: str
) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        await attempt(engine, change)


@pytest.mark.parametrize("change", CHANGES)
async def test_the_owner_is_stopped_by_the_trigger(database_url: str, change: str) -> None:
    owner = create_async_engine(database_url)
    with pytest.raises(DBAPIError, match="events are only added"):
        await attempt(owner, change)
    await owner.dispose()


@pytest.mark.parametrize("table", ["intake.events", "vault.subject_keys"])
@pytest.mark.parametrize("service", ["casework", "reporting"])
async def test_only_intake_sees_what_is_sealed_and_the_keys(database_url: str, service: str, table: str) -> None:
    engine = make_engine(database_url, service)
    with pytest.raises(DBAPIError, match="permission denied"):
        await attempt(engine, f"SELECT * FROM {table}")
    await engine.dispose()


TAMPERED = {
    "UPDATE casework.events SET data = 'x' WHERE position = 2": "an event or the head was changed",
    "UPDATE casework.events SET partner = 'x' WHERE position = 3": "an event or the head was changed",
    "DELETE FROM casework.events WHERE position = 2": "casework/GM0984/2 is missing",
    "DELETE FROM casework.events WHERE position = 3": "the head counts 3 events, the last one found is 2",
    "UPDATE casework.events SET version = 7 WHERE position = 3": "version 7 of its stream, expected 3",
    "UPDATE casework.heads SET root = '\\x00'": "an event or the head was changed",
}


@pytest.mark.parametrize("tampering", TAMPERED)
async def test_who_goes_round_both_guards_is_found_out(
    ledger: PostgresLedger, database_url: str, tampering: str
) -> None:
    async with ledger.begin() as tx:
        await ledger.append(tx, GEMEENTE, [append("a", count=3)])
    assert (await verify(ledger, GEMEENTE)).size == 3
    owner = create_async_engine(database_url)
    await attempt(owner, "ALTER TABLE casework.events DISABLE TRIGGER ALL")
    await attempt(owner, tampering)
    await owner.dispose()
    with pytest.raises(BrokenLedger, match=TAMPERED[tampering]):
        await verify(ledger, GEMEENTE)


FOREIGN = """
INSERT INTO casework.events SELECT (jsonb_populate_record(one, '{"position": 9, "version": 9}')).*
FROM casework.events one WHERE position = 2 AND gemeente = 'GM0001'
"""
PAST_THE_END = {
    "DELETE FROM casework.heads WHERE gemeente = 'GM0001'": "casework/GM0001/2 is stored past the end of its ledger",
    FOREIGN: "casework/GM0001/9 is stored past the end of its ledger, whose head counts 2 events",
}


@pytest.mark.parametrize("tampering", PAST_THE_END)
async def test_what_no_head_counts_is_found_out_and_the_other_ledgers_are_looked_at_too(
    ledger: PostgresLedger, database_url: str, tampering: str
) -> None:
    console = Console(file=StringIO(), width=500)
    await verify_all(Settings(database_url), console)
    for gemeente in ("GM0001", GEMEENTE):
        async with ledger.begin() as tx:
            await ledger.append(tx, gemeente, [append("a", count=2)])
    owner = create_async_engine(database_url)
    await attempt(owner, "ALTER TABLE casework.events DISABLE TRIGGER ALL")
    await attempt(owner, tampering)
    await owner.dispose()
    with pytest.raises(BrokenLedger, match=PAST_THE_END[tampering]):
        await verify_all(Settings(database_url), console)
    assert isinstance(console.file, StringIO)
    nothing, sound = console.file.getvalue().splitlines()
    assert nothing.startswith("There are no ledgers: ")
    assert sound.startswith(f"casework/{GEMEENTE}: 2 events")


@pytest.mark.parametrize("service", ["intake", "casework", "reporting"])
async def test_a_service_may_try_to_write_also_where_nobody_else_may(empty_database_url: str, service: str) -> None:
    owner = create_async_engine(empty_database_url)
    hardened = "DO $$ BEGIN EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()); END $$"
    await attempt(owner, hardened)
    await owner.dispose()
    await migrate(empty_database_url)
    engine = make_engine(empty_database_url, service)
    probe = DatabaseProbe(engine)
    probe.doubt()
    with capture_logs() as said:
        assert await probe.why_away() is None
    await engine.dispose()
    assert not said


async def test_migrating_again_changes_nothing(empty_database_url: str) -> None:
    await migrate(empty_database_url)
    await migrate(empty_database_url)
