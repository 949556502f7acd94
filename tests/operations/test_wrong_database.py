"""A command that meets no database, or one that nobody migrated, says what to do in a sentence."""

import asyncio
import base64
import os
import sys
from pathlib import Path

import asyncpg
import pytest

from services.runtime.away import is_not_migrated

COMMANDS = [("verify",), ("replay",), ("quarantine", "list"), ("parked", "list")]
NOT_MIGRATED = "the database has no tables of Spoorboek, or older ones: run `spoorboek migrate` on it first\n"
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


async def test_a_database_that_is_away() -> None:
    assert await complaint("postgresql+asyncpg://localhost:1/spoorboek", "verify") == (1, AWAY)


def test_a_server_without_our_roles_is_not_migrated_either() -> None:
    assert is_not_migrated(asyncpg.InvalidParameterValueError('role "spoorboek_intake" does not exist'))
    assert not is_not_migrated(asyncpg.UniqueViolationError("duplicate key"))
