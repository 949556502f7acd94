"""Keeps an eye on one process: looks at its parts and readers, and says so when one goes away or stands still."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from eventlog.errors import describe
from eventlog.partner_topics import PartnerTopics
from eventlog.reader import Follower
from services.runtime import stored
from services.runtime.away import database_is_away, kind_of
from services.runtime.broker import BrokerProbe
from services.runtime.database import DatabaseProbe
from services.runtime.lags import Lags
from services.runtime.parts import Door, Service
from services.runtime.standing import Standing, at_door
from services.runtime.telling import tell

DATABASE, BROKER = "database", "broker"
_PATIENCE_SECONDS = 5
_LOOK_EVERY_SECONDS = 5

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Watched:
    """A service of this process, with the engine that its own tables are read through, its followers and its doors."""

    service: Service
    engine: AsyncEngine
    followers: tuple[Follower, ...]
    doors: tuple[tuple[Door, PartnerTopics], ...] = ()


class Watch:
    """`look` gives the standing of now; `run` looks for ever and logs what changes."""

    def __init__(
        self,
        watched: Sequence[Watched],
        broker: BrokerProbe | None,
        lag_seconds: float,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.started = False
        self._database = DatabaseProbe(watched[0].engine) if watched else None
        self._watched, self._broker, self._lag_seconds = watched, broker, lag_seconds
        self._lags = Lags(lag_seconds, clock, monotonic)
        self.parts = (DATABASE,) if broker is None else (DATABASE, BROKER)
        self._last: Standing | None = None
        self._begun = 0
        self._one_at_a_time = asyncio.Lock()

    async def look(self) -> Standing:
        """Never raises for a part that is away; who asks while others wait shares a look that begins after it asked."""
        begun_before = self._begun
        async with self._one_at_a_time:
            if self._last is None or self._begun == begun_before:
                self._begun += 1
                self._last = None  # Where the look raises, who shares it must not be shown an older one.
                self._last = await self._look()
            return replace(self._last, started=self.started)

    async def run(self) -> None:
        before = Standing(self.started, {}, self.parts)
        while True:
            try:
                now = await self.look()
                tell(before, now)
                before = now
            except Exception as error:  # noqa: BLE001 - who watches must not be the first to go
                log.error("could not look", error=describe(error))
            await asyncio.sleep(_LOOK_EVERY_SECONDS)

    async def why_away(self, part: str) -> str | None:
        """Why `part` cannot be reached, None where it can; for who waits to start."""
        if part == BROKER:
            return await self._broker.why_away() if self._broker else None
        return await self._database.why_away() if self._database else None

    def doubt(self) -> None:
        """A sender was told to come back: look whether anything can be written."""
        if self._database:
            self._database.doubt()

    async def close(self) -> None:
        if self._broker:
            await self._broker.close()

    async def _look(self) -> Standing:
        broker = asyncio.create_task(self.why_away(BROKER))
        found = Standing(self.started, {}, self.parts)

        async def ask() -> None:
            nonlocal found
            for watched in self._watched:
                found = await self._add(found, watched)

        # What is frozen is known by a short question; the long ones are asked where that was answered.
        why = await self.why_away(DATABASE) or await self._asked(ask)
        away = {DATABASE: why, BROKER: await broker}
        known = {part: why for part, why in away.items() if why is not None}
        if DATABASE in known:
            found = Standing(self.started, {}, self.parts)
        return replace(found, away=known)

    async def _asked(self, ask: Callable[[], Awaitable[None]]) -> str | None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await ask()
        except Exception as error:
            if not database_is_away(error):
                raise
            return kind_of(error)
        return None

    async def _add(self, found: Standing, watched: Watched) -> Standing:
        service = watched.service
        async with watched.engine.connect() as connection:
            ledgers = await stored.ledgers(connection, service.name)
            parked = await service.parked(connection) if service.parked else found.parked
            building = await stored.building(connection, service)  # It tells which generation is read now.
            held = await stored.held(connection, service.name, [one.reader.name for one in watched.followers])
        readers = [await self._lags.of(service.name, follower) for follower in watched.followers]
        for door, topics in watched.doors:
            readers += at_door(service.name, door.name, door.topics, topics.lags(), self._lag_seconds)
        return replace(
            found,
            readers=(*found.readers, *readers),
            ledgers=(*found.ledgers, *ledgers),
            held={**found.held, service.name: held},
            parked=parked,
            building=(*found.building, *building),
        )
