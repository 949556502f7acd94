"""The settings of a process, all from its environment; each error names the variable and what to put there."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from eventlog.vault import MASTER_KEY_BYTES
from schemas.programme import PUBLISHED


class SettingsError(Exception):
    """A variable of the environment is missing or cannot be used."""


@dataclass(frozen=True)
class Settings:
    """Where the parts are. `kafka` is None for the local bus."""

    database_url: str
    kafka: str | None = None
    vault_key: bytes | None = None
    partners: tuple[Path, ...] = ()
    programmes: tuple[Path, ...] = (PUBLISHED,)
    host: str = "127.0.0.1"
    port: int = 8080
    service_key: str | None = None
    peers: Mapping[str, str] | None = None
    """The base address of each other service, where a reader asks for positions it missed."""
    lag_seconds: float = 60
    """How long an event may lie before a reader that does not move, until the process says it is not ready."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        if not (database_url := environment.get("SPOORBOEK_DATABASE_URL")):
            raise SettingsError(
                "SPOORBOEK_DATABASE_URL is not set: name the PostgreSQL database, "
                "as in postgresql+asyncpg://user:password@host/database, or use `spoorboek run`, which brings its own"
            )
        return cls(
            database_url=_postgresql(database_url),
            kafka=environment.get("SPOORBOEK_KAFKA") or None,
            vault_key=_key(environment.get("SPOORBOEK_VAULT_KEY")),
            partners=_folders(environment.get("SPOORBOEK_PARTNERS"), ()),
            programmes=_folders(environment.get("SPOORBOEK_PROGRAMMES"), (PUBLISHED,)),
            host=environment.get("SPOORBOEK_HOST", "127.0.0.1"),
            port=port_of(environment),
            service_key=environment.get("SPOORBOEK_SERVICE_KEY") or None,
            peers=_peers(environment.get("SPOORBOEK_PEERS", "")),
            lag_seconds=_lag_seconds(environment.get("SPOORBOEK_LAG_SECONDS", "60")),
        )


def _postgresql(url: str) -> str:
    """The address may hold a password, so an error never repeats it."""
    try:
        driver = make_url(url).drivername
    except ArgumentError:
        driver = ""
    if driver != "postgresql+asyncpg":
        raise SettingsError(
            "SPOORBOEK_DATABASE_URL is not of the form postgresql+asyncpg://user:password@host/database"
        )
    return url


def _key(value: str | None) -> bytes | None:
    if not value:
        return None
    try:
        key = base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise SettingsError("SPOORBOEK_VAULT_KEY is not base64") from error
    if len(key) != MASTER_KEY_BYTES:
        raise SettingsError(f"SPOORBOEK_VAULT_KEY has {len(key)} bytes; make one with: openssl rand -base64 32")
    return key


def _folders(value: str | None, default: tuple[Path, ...]) -> tuple[Path, ...]:
    folders = tuple(Path(part) for part in (value or "").split(":") if part)
    for folder in folders:
        if not folder.is_dir():
            raise SettingsError(f"{folder} is not a folder: correct SPOORBOEK_PARTNERS or SPOORBOEK_PROGRAMMES")
    return folders or default


def port_of(environment: Mapping[str, str]) -> int:
    value = environment.get("SPOORBOEK_PORT", "8080")
    if not value.isdigit() or not 0 < int(value) < 65536:
        raise SettingsError(f"SPOORBOEK_PORT is {value!r}; give a port number from 1 to 65535")
    return int(value)


def _peers(value: str) -> dict[str, str]:
    """`intake=http://intake:8080 casework=http://casework:8080`"""
    try:
        return dict(part.split("=", 1) for part in value.split())
    except ValueError as error:
        raise SettingsError("SPOORBOEK_PEERS is not `service=address service=address …`") from error


def _lag_seconds(value: str) -> float:
    if not value.isdigit() or not int(value):
        raise SettingsError(f"SPOORBOEK_LAG_SECONDS is {value!r}; give a whole number of seconds, as in 60")
    return float(value)
