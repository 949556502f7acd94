"""Several processes append to one ledger, in transactions that may be undone: what was told is what is stored."""

import asyncio
from contextlib import suppress
from random import Random

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventlog.errors import VersionConflict
from eventlog.ledger import Append, Recorded
from eventlog.postgres import PostgresLedger
from eventlog.verification import verify
from eventlog.writer import Writer
from tests.eventlog.making import GEMEENTE, append

STREAMS = [f"shared{number}" for number in range(6)]


class Undone(Exception):
    """Somebody decided otherwise in the middle of a transaction."""


class Process:
    """Has its own idea of where the ledger ends; `told` is what all processes know to be stored."""

    def __init__(self, engine: AsyncEngine, random: Random, told: dict[tuple[str, int], int]) -> None:
        self.ledger = PostgresLedger(engine, "casework")
        self.writer = Writer(self.ledger, lambda gemeente: None)
        self.random, self.told = random, told

    def some_append(self) -> Append:
        """Mostly to where the stream is, sometimes before or after."""
        stream = self.random.choice(STREAMS)
        known = max((version for name, version in self.told if name == stream), default=0)
        expected = known + self.random.choice([0, 0, 0, 0, -1, 1])
        return append(stream, max(0, expected), count=self.random.randint(1, 3))

    async def work(self, times: int) -> None:
        for _ in range(times):
            with suppress(VersionConflict, Undone):
                if self.random.random() < 0.3:
                    stored = await self.writer.append(GEMEENTE, self.some_append())
                else:
                    stored = await self._in_a_transaction()
                for event in stored:
                    assert (event.stream, event.version) not in self.told
                    self.told[event.stream, event.version] = event.position

    async def _in_a_transaction(self) -> list[Recorded]:
        stored: list[Recorded] = []
        async with self.ledger.begin() as tx:
            for _ in range(self.random.randint(1, 3)):
                with suppress(Undone):
                    async with tx.begin_nested():
                        appended = await self._append(tx)
                        self._perhaps_undo()
                    stored += appended
            stored += await self._append(tx)
            self._perhaps_undo()
        return stored

    async def _append(self, tx: AsyncConnection) -> list[Recorded]:
        alone = append(f"alone{self.random.getrandbits(64)}")
        outcomes = await self.ledger.append(tx, GEMEENTE, [self.some_append(), alone])
        return [event for outcome in outcomes if not isinstance(outcome, VersionConflict) for event in outcome]

    def _perhaps_undo(self) -> None:
        if self.random.random() < 0.3:
            raise Undone


@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_is_undone_what_was_told_is_what_is_stored(engine: AsyncEngine, seed: int) -> None:
    random, told = Random(seed), dict[tuple[str, int], int]()
    processes = [Process(engine, random, told) for _ in range(3)]
    await asyncio.gather(*(process.work(40) for process in processes for _ in range(3)))
    ledger, stored = processes[0].ledger, list[Recorded]()
    async with ledger.asking() as tx:
        while events := await ledger.read(tx, GEMEENTE, len(stored)):
            stored += events
    assert {(event.stream, event.version): event.position for event in stored} == told
    assert (await verify(ledger, GEMEENTE)).size == len(stored) > 100
