"""A command that meets no database, or one that nobody migrated, says what to do in a sentence."""

import asyncio
import base64
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import make_url

from services.migrations import _SCRIPTS, MigrationError, demand_migrated
from services.runtime.away import is_not_migrated
from tests.parts.postgres import as_owner, running_postgres

COMMANDS = [("verify",), ("replay",), ("quarantine", "list"), ("parked", "list")]
NOT_MIGRATED = "the database has no tables of Spoorboek, or older ones: run `spoorboek migrate` on it first\n"
OLDER = "the database is older than this version of Spoorboek: run `spoorboek migrate` first\n"
RESTORED_WITHOUT_ROLES = (
    "the server has no spoorboek_intake, spoorboek_casework, spoorboek_reporting: the database was restored without "
    "the roles that its rights are given to. Restore those of the old server first, and then the database once more"
)
NOT_EVERY_SERVICE = "the login in SPOORBOEK_DATABASE_URL may not act as every service that this is about"
AWAY = "the database does not answer (ConnectionRefusedError): start it, or mend SPOORBOEK_DATABASE_URL\n"


async def complaint(database_url: str, *words: str) -> tuple[int, str]:
    """(exit code, all that it complains of)"""
    key = base64.b64encode(bytes(32)).decode()
    environment = os.environ | {"SPOORBOEK_DATABASE_URL": database_url, "SPOORBOEK_VAULT_KEY": key}
    program, pipe = Path(sys.executable).with_name("spoorboek"), asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(program, *words, env=environment, stdout=pipe, stderr=pipe)
    _, complained = await process.communicate()
    return process.returncode or 0, complained.decode()


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
async def test_a_database_that_nobody_migrated(empty_database_url: str, words: tuple[str, ...]) -> None:
    assert await complaint(empty_database_url, *words) == (1, NOT_MIGRATED)


async def stamp(database_url: str, revision: str) -> None:
    await as_owner(database_url, f"UPDATE alembic_version SET version_num = '{revision}'")


async def test_no_service_starts_on_an_older_database(database_url: str) -> None:
    await stamp(database_url, "0003")
    assert await complaint(database_url, "serve", "all") == (1, OLDER)


async def test_a_database_of_a_newer_version_cannot_be_brought_back(database_url: str) -> None:
    await stamp(database_url, "9999")
    code, said = await complaint(database_url, "migrate")
    assert code == 1
    assert said.startswith("the database was migrated by a newer version of Spoorboek")
    assert len(said.splitlines()) == 1


@pytest.mark.connected
@pytest.mark.parametrize("revision", ["0001", ScriptDirectory(str(_SCRIPTS)).get_current_head()])
async def test_a_database_that_was_restored_without_its_roles(revision: str) -> None:
    with running_postgres() as elsewhere:
        async with elsewhere.database() as restored:
            await as_owner(restored, f"CREATE TABLE alembic_version AS SELECT '{revision}' AS version_num")
            code, said = await complaint(restored, "migrate")
    assert (code, said.splitlines()) == (1, [RESTORED_WITHOUT_ROLES])


def test_a_column_that_is_lacking_is_a_migration_that_is() -> None:
    assert is_not_migrated(asyncpg.UndefinedColumnError('column "digest" does not exist'))


async def test_a_database_that_is_away() -> None:
    assert await complaint("postgresql+asyncpg://localhost:1/spoorboek", "verify") == (1, AWAY)


def test_a_server_without_our_roles_is_not_migrated_either() -> None:
    assert is_not_migrated(asyncpg.InvalidParameterValueError('role "spoorboek_intake" does not exist'))
    assert not is_not_migrated(asyncpg.UniqueViolationError("duplicate key"))


WRONG = {
    "SPOORBOEK_DATABASE_URL": ("garbage", "postgresql://user:secret@host/database"),
    "SPOORBOEK_LOG": ("verbose",),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
async def test_a_setting_that_cannot_be_used(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    url = value if name == "SPOORBOEK_DATABASE_URL" else "postgresql+asyncpg://localhost:1/spoorboek"
    code, said = await complaint(url, "verify")
    assert code == 1
    assert said.startswith(f"{name} is ")
    assert len(said.splitlines()) == 1
    assert "secret" not in said


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&- 2>&-"])
async def test_who_starts_it_may_have_closed_the_standard_files(database_url: str, closed: str) -> None:
    program = Path(sys.executable).with_name("spoorboek")
    environment = os.environ | {"SPOORBOEK_DATABASE_URL": database_url}
    process = await asyncio.create_subprocess_shell(f"{program} verify {closed}", env=environment)
    assert await process.wait() == 0


async def test_an_address_that_cannot_be_listened_at_is_said_with_its_setting(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as taken:
        port = taken.sockets[0].getsockname()[1]
        for host in ("127.0.0.1", "no-such-host.invalid"):
            monkeypatch.setenv("SPOORBOEK_HOST", host)
            monkeypatch.setenv("SPOORBOEK_PORT", str(port))
            code, said = await complaint(database_url, "serve", "all")
            assert code == 1
            assert said.startswith(f"{host}:{port} cannot be listened at (")
            assert len(said.splitlines()) == 1


@pytest.fixture
async def login_of_reporting(database_url: str) -> AsyncIterator[str]:
    """The database's address with a login that may act as that service alone."""
    name, url = f"login_{uuid4().hex[:8]}", make_url(database_url)
    await as_owner(database_url, f"CREATE ROLE {name} LOGIN PASSWORD 'synthetic' IN ROLE spoorboek_reporting")
    try:
        yield url.set(username=name, password="synthetic").render_as_string(hide_password=False)
    finally:
        await as_owner(database_url, f"DROP ROLE {name}")


async def test_a_login_of_one_service_is_told_to_name_it(login_of_reporting: str) -> None:
    code, said = await complaint(login_of_reporting, "quarantine", "list")
    assert (code, said.partition(":")[0]) == (1, NOT_EVERY_SERVICE)
    assert await complaint(login_of_reporting, "quarantine", "list", "--service", "reporting") == (0, "")


async def test_a_login_of_one_service_sees_of_which_version_the_database_is(
    login_of_reporting: str, database_url: str
) -> None:
    await demand_migrated(login_of_reporting)
    await stamp(database_url, "0005")
    with pytest.raises(MigrationError, match="older"):
        await demand_migrated(login_of_reporting)
    await as_owner(database_url, "REVOKE SELECT ON alembic_version FROM spoorboek_reporting")
    with pytest.raises(MigrationError, match="older"):
        await demand_migrated(login_of_reporting)


async def test_a_database_or_a_login_that_does_not_exist(empty_database_url: str) -> None:
    right = make_url(empty_database_url)
    for wrong in (right.set(database="nowhere"), right.set(username="nobody")):
        code, said = await complaint(wrong.render_as_string(hide_password=False), "verify")
        assert code == 1
        assert said.startswith("the database does not answer (Invalid"), said
        assert len(said.splitlines()) == 1


@pytest.mark.parametrize("words", [("--until", "2999-01-01"), ("--until", "9999-12-31"), ("--remove", "")])
async def test_a_replay_that_is_not_meant_is_not_made(database_url: str, words: tuple[str, ...]) -> None:
    code, said = await complaint(database_url, "replay", *words)
    assert code == (2 if words[0] == "--until" else 1), said
    assert "Traceback" not in said
    _, listed = await complaint(database_url, "replay", "--list")
    assert listed == ""
