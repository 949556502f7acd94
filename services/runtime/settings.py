"""The settings of a process, all from its environment; each error names the variable and what to put there."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from eventlog.vault import MASTER_KEY_BYTES
from schemas.programme import PUBLISHED

_ASKED_OF_POSTGRESQL = {"host", "port", "ssl"}


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
            kafka=_brokers(environment.get("SPOORBOEK_KAFKA", "")),
            vault_key=_key(environment.get("SPOORBOEK_VAULT_KEY")),
            partners=_folders(environment.get("SPOORBOEK_PARTNERS"), ()),
            programmes=_folders(environment.get("SPOORBOEK_PROGRAMMES"), (PUBLISHED,)),
            host=environment.get("SPOORBOEK_HOST", "127.0.0.1"),
            port=port_of(environment),
            service_key=_service_key(environment.get("SPOORBOEK_SERVICE_KEY", "")),
            peers=_peers(environment.get("SPOORBOEK_PEERS", "")),
            lag_seconds=_lag_seconds(environment.get("SPOORBOEK_LAG_SECONDS", "60")),
        )


def _postgresql(url: str) -> str:
    """The address may hold a password, so an error never repeats it."""
    form = "postgresql+asyncpg://user:password@host/database"
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        address = URL.create("unreadable")
    if address.drivername != "postgresql+asyncpg":
        raise SettingsError(
            f"SPOORBOEK_DATABASE_URL is not of the form {form}; other characters than letters and digits in the "
            "password are written as in a URL, @ as %40"
        )
    if unknown := address.query.keys() - _ASKED_OF_POSTGRESQL:
        raise SettingsError(
            f"SPOORBOEK_DATABASE_URL is given {', '.join(sorted(unknown))}: behind the ? may stand host, port and ssl, "
            f"as in {form}?ssl=require"
        )
    return url


def _key(value: str | None) -> bytes | None:
    if not value:
        return None
    try:
        key = base64.b64decode(value, validate=True)
    except ValueError as error:
        raise SettingsError("SPOORBOEK_VAULT_KEY is not base64: make one with: openssl rand -base64 32") from error
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
    if not _is_port(value):
        raise SettingsError(f"SPOORBOEK_PORT is {value!r}; give a port number from 1 to 65535")
    return int(value)


def _is_port(value: str) -> bool:
    return value.isascii() and value.isdigit() and 0 < int(value) < 65536


def _brokers(value: str) -> str | None:
    for broker in value.split(",") if value else ():
        host, _, port = broker.strip().rpartition(":")
        if not host or not _is_port(port):
            raise SettingsError(f"SPOORBOEK_KAFKA has {broker!r}: give host:port, as in kafka-1:9092,kafka-2:9092")
    return value or None


def _service_key(value: str) -> str | None:
    if not (value.isascii() and value.isprintable()):
        raise SettingsError("SPOORBOEK_SERVICE_KEY does not go into a header: make one with: openssl rand -base64 32")
    return value or None


def _peers(value: str) -> dict[str, str]:
    """`intake=http://intake:8080 casework=http://casework:8080`"""
    peers = dict(part.partition("=")[::2] for part in value.split())
    for service, address in peers.items():
        try:
            parts = urlsplit(address)
            reachable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            reachable = False
        if not reachable:
            raise SettingsError(
                f"SPOORBOEK_PEERS has {service}={address}: give each service's address, as in "
                "intake=http://intake:8080 casework=http://casework:8080"
            )
    return peers


def _lag_seconds(value: str) -> float:
    if not (value.isascii() and value.isdigit() and int(value)):
        raise SettingsError(f"SPOORBOEK_LAG_SECONDS is {value!r}; give a whole number of seconds, as in 60")
    return float(value)
