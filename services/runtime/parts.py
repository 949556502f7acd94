"""The parts a service is built from, and the service as its process sees it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventlog.ledger import Ledger
from eventlog.reader import Reader
from eventlog.vault import Vault
from eventlog.wire import Incoming, Outgoing
from eventlog.writer import Writer
from schemas.programme import Programmes
from services.runtime.observing import Telemetry
from services.runtime.settings import Settings
from services.runtime.standing import Building

Publish = Callable[[Sequence[Outgoing]], Awaitable[None]]
"""Publishes records in order and returns when the broker has them all."""


@dataclass(frozen=True)
class Parts:
    """What a service stands on. `vault` is there for intake alone; `publish` where the bus is Kafka."""

    engine: AsyncEngine
    ledger: Ledger
    writer: Writer
    programmes: Programmes
    settings: Settings
    clock: Callable[[], datetime]
    vault: Vault | None = None
    publish: Publish | None = None
    telemetry: Telemetry = field(default_factory=Telemetry)


@dataclass(frozen=True)
class Door:
    """A way in from Kafka: records of `topics` go to `take`, which returns when all of them are durable.

    `topics` gives each one's gemeente.
    """

    name: str
    topics: Mapping[str, str]
    take: Callable[[Sequence[Incoming]], Awaitable[None]]


@dataclass(frozen=True)
class Service:
    """A service as its process sees it.

    `writes_ledger` says whether there is one of its own to publish. `readers` follow ledgers of other services over the
    bus; `publishers` follow the service's own ledger and tell the outside, which only Kafka has; `topics` are those it
    publishes to besides its ledger's. `parked` counts by reason what came in and is nobody's; `building` tells of
    generations of its tables that are under way. Who works beside the process that serves calls `join` instead of
    `start`: it only looks. No figure waits for readers and publishers that have `patience_seconds`.
    """

    name: str
    router: APIRouter
    writes_ledger: bool = True
    readers: tuple[Reader, ...] = ()
    publishers: tuple[Reader, ...] = ()
    doors: tuple[Door, ...] = ()
    topics: tuple[str, ...] = ()
    patience_seconds: float = 0.0
    start: Callable[[], Awaitable[None]] | None = None
    join: Callable[[], Awaitable[None]] | None = None
    parked: Callable[[AsyncConnection], Awaitable[Mapping[str, int]]] | None = None
    building: Callable[[AsyncConnection], Awaitable[Sequence[Building]]] | None = None
