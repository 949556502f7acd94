"""Readers see every event once, in order, without gaps, however appends interleave and however long one is held."""

import asyncio
from random import Random

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventlog.ledger import Ledger
from eventlog.merkle import Frontier
from eventlog.one_statement import Tip
from eventlog.postgres import PostgresLedger
from tests.eventlog.making import GEMEENTE, append

WRITERS, APPENDS = 8, 12


async def write(ledger: Ledger, name: int, random: Random) -> None:
    """Appends in transactions that are held open for a moment, some of which are rolled back."""
    for number in range(APPENDS):
        held, rolled_back = random.random() * 0.01, random.random() < 0.2
        try:
            async with ledger.begin() as tx:
                await ledger.append(
                    tx, GEMEENTE, [append(f"{name}-{number}-{rolled_back}", count=random.randint(1, 3))]
                )
                await asyncio.sleep(held)
                if rolled_back:
                    raise InterruptedError
        except InterruptedError:
            pass


async def read_while(ledger: Ledger, writing: "asyncio.Future[list[None]]") -> list[int]:
    """What a plain reader sees that asks for `position > n` all the while."""
    seen: list[int] = []
    last_round = False
    while not last_round:
        last_round = writing.done()
        async with ledger.begin() as tx:
            seen += [one.position for one in await ledger.read(tx, GEMEENTE, after=seen[-1] if seen else 0, limit=5)]
        last_round = last_round and await at_end(ledger, seen)
    return seen


async def at_end(ledger: Ledger, seen: list[int]) -> bool:
    async with ledger.begin() as tx:
        return not await ledger.read(tx, GEMEENTE, after=seen[-1] if seen else 0, limit=1)


async def positions_seen(ledger: Ledger, seed: int) -> list[int]:
    random = Random(seed)
    writing = asyncio.gather(*(write(ledger, name, Random(random.random())) for name in range(WRITERS)))
    seen = await read_while(ledger, writing)
    await writing
    return seen


@pytest.mark.parametrize("seed", range(5))
async def test_a_reader_sees_every_position_once_and_in_order(ledger: PostgresLedger, seed: int) -> None:
    seen = await positions_seen(ledger, seed)
    async with ledger.begin() as tx:
        assert seen == list(range(1, (await ledger.sizes(tx))[GEMEENTE] + 1))
    assert len(seen) > WRITERS


class WithoutLock(PostgresLedger):
    """Positions from a sequence, as stores do that do not lock: given at insert, seen in the order of commits."""

    _next = 0

    async def _lock(self, tx: AsyncConnection, gemeente: str) -> Tip:
        await tx.execute(select(1))
        frontier = Frontier(type(self)._next, (b"",) * type(self)._next.bit_count())
        type(self)._next += 3  # more than one append takes, so that no two collide
        return Tip(frontier, self._clock())

    async def _store(self, tx, gemeente, events, frontier) -> None:  # type: ignore[no-untyped-def]
        driver = (await tx.get_raw_connection()).driver_connection
        from eventlog.one_statement import as_rows

        columns = [column.name for column in self._events.columns]
        await driver.copy_records_to_table("events", schema_name=self.service, columns=columns, records=as_rows(events))


async def held_and_passed(ledger: PostgresLedger) -> tuple[list[int], list[int]]:
    """One append is held open while another is asked for: what a reader saw meanwhile, and what is stored."""
    seen: list[int] = []
    async with ledger.begin() as held:
        await ledger.append(held, GEMEENTE, [append("held")])
        passing = asyncio.create_task(append_alone(ledger, "passing"))
        await asyncio.wait([passing], timeout=0.5)
        seen += await read_on(ledger, seen)
    await passing
    seen += await read_on(ledger, seen)
    return seen, await read_on(ledger, [])


async def append_alone(ledger: PostgresLedger, stream: str) -> None:
    async with ledger.begin() as tx:
        await ledger.append(tx, GEMEENTE, [append(stream)])


async def read_on(ledger: PostgresLedger, seen: list[int]) -> list[int]:
    async with ledger.begin() as tx:
        return [one.position for one in await ledger.read(tx, GEMEENTE, after=seen[-1] if seen else 0)]


async def test_no_append_passes_one_that_is_held(ledger: PostgresLedger) -> None:
    await append_alone(ledger, "first")
    assert await held_and_passed(ledger) == ([1, 2, 3], [1, 2, 3])


async def test_without_the_lock_a_reader_misses_events(engine: AsyncEngine) -> None:
    """The guard of the guard: with the lock removed the very same steps lose an event for the reader."""
    ledger = WithoutLock(engine, "casework")
    await append_alone(ledger, "first")
    seen, stored = await held_and_passed(ledger)
    assert len(stored) == 3
    assert len(set(stored) - set(seen)) == 1
