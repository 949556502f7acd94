"""Brings a database to the newest form; safe to run again and by several processes at once.

MigrationError   the operator: this version and the database do not fit together
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from eventlog.ledger import SERVICES
from services.runtime.away import is_not_allowed

_MISSING = """
    SELECT string_agg('spoorboek_' || service, ', ') FROM unnest(CAST(:services AS text[])) AS service
    WHERE to_regrole('spoorboek_' || service) IS NULL
"""
_SCRIPTS = Path(__file__).parent.parent / "deploy" / "migrations"


class MigrationError(Exception):
    """The database is of another version than this program; the message says what to do."""


async def migrate(database_url: str) -> None:
    """Run what has not run yet, as the owner of the database named by `database_url`; raises MigrationError."""
    engine = create_async_engine(database_url)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('spoorboek migrations'))"))
            if await connection.run_sync(_revision):
                await _demand_roles(connection)  # The first migration makes them, once.
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


async def _demand_roles(connection: AsyncConnection) -> None:
    if missing := (await connection.execute(text(_MISSING), {"services": list(SERVICES)})).scalar_one():
        raise MigrationError(
            f"the server has no {missing}: the database was restored without the roles that its rights are "
            "given to. Restore those of the old server first, and then the database once more"
        )


async def demand_migrated(database_url: str) -> None:
    """Raises MigrationError where something has still to run. A newer one is being gone over to."""
    engine = create_async_engine(database_url)
    try:
        async with engine.connect() as connection:
            had = await connection.run_sync(_revision)
    except DBAPIError as error:
        if not is_not_allowed(error):
            raise
        had = None  # The migration that lets a service's own login read it has not run.
    finally:
        await engine.dispose()
    known = [script.revision for script in ScriptDirectory(str(_SCRIPTS)).walk_revisions()]
    if had is None or had in known[1:]:
        raise MigrationError("the database is older than this version of Spoorboek: run `spoorboek migrate` first")


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table_schema": "public"}).get_current_revision()


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise MigrationError(
            f"the database was migrated by a newer version of Spoorboek ({error}): run that one. There is no way "
            "back but a backup of before"
        ) from error
