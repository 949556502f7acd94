"""A reader as the process runs it: what it does is logged, counted and traced, once its effect is committed."""

import logging
import time
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from eventlog.ledger import LedgerId, Recorded
from eventlog.reader import Reader
from eventlog.step import Step, Stepping
from services.runtime.metrics import Metrics
from services.runtime.tracing import Tracing

_MOST_IDS = 20

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Where a process's observations go."""

    metrics: Metrics = field(default_factory=Metrics)
    tracing: Tracing = field(default_factory=Tracing)


@dataclass(frozen=True, slots=True)
class _Batch:
    tx: AsyncConnection
    about: dict[str, Any]
    events: Sequence[Recorded]
    began: int
    ended: int


class ObservedReader:
    """`reader`, whose batches are told of when `committed` is called; a batch that is undone is never told."""

    def __init__(self, service: str, reader: Reader, telemetry: Telemetry) -> None:
        self._service, self._reader, self._telemetry = service, reader, telemetry
        # Who runs a reader calls `handle` and, after the commit, `committed` in one task.
        self._handled: ContextVar[tuple[_Batch, ...]] = ContextVar("handled", default=())

    @property
    def name(self) -> str:
        return self._reader.name

    @property
    def source(self) -> str:
        return self._reader.source

    async def handle(self, tx: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        if not events:
            await self._reader.handle(tx, ledger, events)
            return
        about = self._about(ledger, events)
        with structlog.contextvars.bound_contextvars(**about):
            began = time.time_ns()
            await self._reader.handle(tx, ledger, events)
            batch = _Batch(tx, about, events, began, time.time_ns())
        before = tuple(one for one in self._handled.get() if one.tx is tx)
        self._handled.set((*before, batch))

    async def take_step(self, connection: AsyncConnection, step: Step, events: Sequence[Recorded]) -> int | None:
        if not isinstance(self._reader, Stepping):
            return None
        about = self._about(step.ledger, events)
        with structlog.contextvars.bound_contextvars(**about):
            began = time.time_ns()
            written_by = await self._reader.take_step(connection, step, events)
        if written_by is not None:
            self._handled.set((_Batch(connection, about, events, began, time.time_ns()),))
        return written_by

    def committed(self) -> None:
        """What was handled last is committed, and the reader's position is past it."""
        batches = self._handled.get()
        self._handled.set(())
        for batch in batches:
            seconds = (batch.ended - batch.began) / 1e9
            self._log(batch, seconds)
            self._telemetry.metrics.handled(self._service, self.name, batch.events, seconds)
            self._telemetry.tracing.handled(self._service, self.name, batch.events, batch.began, batch.ended)

    def _log(self, batch: _Batch, seconds: float) -> None:
        # What a publisher sent, whoever reads it says again.
        say = log.debug if self._service == self.source else log.info
        say("batch handled", **batch.about, seconds=round(seconds, 6))
        if not log.is_enabled_for(logging.DEBUG):
            return  # Asked once: a thousand lines that are not written cost as much as the effect.
        for event in batch.events:
            log.debug(
                "event handled",
                reader=self.name,
                ledger=str(event.ledger),
                position=event.position,
                stream=event.stream,
                type=event.type,
                correlation_id=event.correlation,
            )

    def _about(self, ledger: LedgerId, events: Sequence[Recorded]) -> dict[str, Any]:
        """What a line says of a batch; a batch of a few submissions is found by each of them."""
        first, last = events[0], events[-1]
        about: dict[str, Any] = {
            "service": self._service,
            "reader": self.name,
            "ledger": str(ledger),
            "events": len(events),
            "first_position": first.position,
            "last_position": last.position,
        }
        return about | correlated(event.correlation for event in events)


def correlated(ids: Iterable[str]) -> dict[str, str | list[str]]:
    """By what a line is found: the submission that it is about, or the first of them."""
    first = list(islice(dict.fromkeys(ids), _MOST_IDS))
    if len(first) == 1:
        return {"correlation_id": first[0]}
    return {"correlation_ids": first} if first else {}
