"""Append: hashed and durable, one event per command, against the peer and against COPY of the same rows."""

import asyncio
from collections.abc import Iterator
from time import perf_counter
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.events import GEMEENTE, a_command
from eventlog.ledger import LedgerId
from eventlog.merkle import Frontier
from eventlog.postgres import PostgresLedger, make_engine
from eventlog.sequencing import sequence
from eventlog.writer import Writer


class Numbers:
    """Gives every command of the run a stream of its own."""

    def __init__(self) -> None:
        self._next = 0

    def take(self) -> int:
        self._next += 1
        return self._next


async def append_rate(writer: Writer, numbers: Numbers, callers: int, seconds: float) -> float:
    """Commands per second, each caller sending its next one when the last is durable."""
    ended = perf_counter() + seconds

    async def caller() -> int:
        done = 0
        while perf_counter() < ended:
            await writer.append(GEMEENTE, a_command(numbers.take()))
            done += 1
        return done

    started = perf_counter()
    done = sum(await asyncio.gather(*(caller() for _ in range(callers))))
    return done / (perf_counter() - started)
