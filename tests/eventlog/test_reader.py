"""Each event has its effect once and in order, whatever the bus does: duplicates, gaps, crashes, two instances."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventlog.engine import make_engine
from eventlog.errors import Gap, PositionMoved
from eventlog.ledger import LedgerId, Recorded
from eventlog.positions import Lag, Positions
from eventlog.postgres import PostgresLedger
from eventlog.reader import Follower, LedgerSource
from tests.eventlog.making import GEMEENTE, append, catch_up

LEDGER = LedgerId("casework", GEMEENTE)


class Noting:
    """A reader whose effect is one row per event, in the ledger's own database; `fail_at` makes it break there."""

    name, source = "noting", "casework"
    fail_at: int | None = None

    async def handle(self, tx: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        for event in events:
            await tx.execute(text("INSERT INTO noted (position) VALUES (:at)"), {"at": event.position})
            if event.position == self.fail_at:
                raise InterruptedError("killed in mid-batch")


@pytest.fixture
async def follower(engine: AsyncEngine, ledger: PostgresLedger, database_url: str) -> Follower:
    from sqlalchemy.ext.asyncio import create_async_engine

    owner = create_async_engine(database_url)
    async with owner.begin() as connection:
        await connection.execute(text("CREATE TABLE noted (at serial, position bigint)"))
        await connection.execute(text("GRANT ALL ON noted, noted_at_seq TO spoorboek_casework"))
    await owner.dispose()
    async with ledger.begin() as tx:
        await ledger.append(tx, GEMEENTE, [append(f"s{n}") for n in range(10)])
    return Follower(Noting(), Positions(engine, "casework"), LedgerSource(ledger))


async def noted(engine: AsyncEngine) -> list[int]:
    async with engine.connect() as connection:
        return [row.position for row in await connection.execute(text("SELECT position FROM noted ORDER BY at"))]


async def test_events_delivered_twice_have_one_effect(follower: Follower, engine: AsyncEngine) -> None:
    events = await follower.source.read(GEMEENTE, after=0)
    await follower.deliver(LEDGER, events[:4])
    await follower.deliver(LEDGER, events[2:6])
    await follower.deliver(LEDGER, events[:6])
    assert await noted(engine) == [1, 2, 3, 4, 5, 6]


async def test_an_instance_that_froze_in_mid_batch_holds_up_another_for_a_while_only(
    follower: Follower, engine: AsyncEngine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventlog.engine._FROZEN_SECONDS", 1)
    events = await follower.source.read(GEMEENTE, after=0)
    froze = make_engine(database_url, "casework")
    async with froze.connect() as connection:
        await connection.execute(text("SELECT 1"))  # begins
        await Positions(froze, "casework").lock(connection, "noting", LEDGER)
        await asyncio.wait_for(follower.deliver(LEDGER, events), 20)
        with pytest.raises(DBAPIError):
            await connection.execute(text("SELECT 1"))
    await froze.dispose()
    assert await noted(engine) == list(range(1, 11))


async def test_a_gap_stops_the_reader_before_any_effect(follower: Follower, engine: AsyncEngine) -> None:
    events = await follower.source.read(GEMEENTE, after=0)
    await follower.deliver(LEDGER, events[:2])
    with pytest.raises(Gap, match="casework/GM0984: the reader is at 2, the next event that arrived is 5"):
        await follower.deliver(LEDGER, events[4:])
    with pytest.raises(Gap):
        await follower.deliver(LEDGER, [*events[2:4], *events[5:]])
    assert await noted(engine) == [1, 2]


async def test_what_was_missed_comes_from_the_owner(follower: Follower, engine: AsyncEngine) -> None:
    assert await follower.lag() == Lag(reached=0, behind=10)
    assert await catch_up(follower, LEDGER) == 10
    assert await noted(engine) == list(range(1, 11))
    assert await follower.lag() == Lag(reached=10, behind=0)


async def test_a_crash_in_mid_batch_leaves_neither_effect_nor_position(follower: Follower, engine: AsyncEngine) -> None:
    reader = follower.reader
    assert isinstance(reader, Noting)
    events = await follower.source.read(GEMEENTE, after=0)
    await follower.deliver(LEDGER, events[:3])
    reader.fail_at = 6
    with pytest.raises(InterruptedError):
        await follower.deliver(LEDGER, events[3:])
    assert await noted(engine) == [1, 2, 3]
    reader.fail_at = None
    await catch_up(follower, LEDGER)
    assert await noted(engine) == list(range(1, 11))


async def test_two_instances_of_a_reader_do_the_work_once(follower: Follower, engine: AsyncEngine) -> None:
    events = await follower.source.read(GEMEENTE, after=0)
    twin = Follower(Noting(), follower.positions, follower.source)
    for at in range(0, 10, 2):
        await asyncio.gather(follower.deliver(LEDGER, events[at : at + 2]), twin.deliver(LEDGER, events[at : at + 2]))
    assert await noted(engine) == list(range(1, 11))


async def test_a_reader_that_was_put_back_behind_the_back_of_its_process_takes_what_it_lost(
    follower: Follower, engine: AsyncEngine
) -> None:
    """As after a restore of its database while it runs: what came back once more, and what comes next."""
    events = await follower.source.read(GEMEENTE, after=0)
    await follower.deliver(LEDGER, events[:6])
    await _put_back(engine, 2)
    await follower.deliver(LEDGER, events[2:4])
    assert await noted(engine) == [1, 2, 3, 4]
    await follower.deliver(LEDGER, events[4:6])
    await _put_back(engine, 3)
    with pytest.raises(Gap, match="the reader is at 3, the next event that arrived is 7"):
        await follower.deliver(LEDGER, events[6:8])
    await follower.deliver(LEDGER, events[2:8])
    assert await noted(engine) == [1, 2, 3, 4, 5, 6, 7, 8]


async def test_a_reader_that_another_instance_moved_on_goes_on_from_there(
    follower: Follower, engine: AsyncEngine
) -> None:
    events = await follower.source.read(GEMEENTE, after=0)
    twin = Follower(Noting(), follower.positions, follower.source)
    await follower.deliver(LEDGER, events[:2])
    await twin.deliver(LEDGER, events[:5])
    await follower.deliver(LEDGER, events[5:7])
    await twin.deliver(LEDGER, events[5:9])
    assert await noted(engine) == list(range(1, 10))


class Switching(Noting):
    """Another delivery in this process sees that the reader is another one now, while this one has its effect."""

    name = "noting"

    async def handle(self, tx: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        await super().handle(tx, ledger, events)
        if events[0].position in (1, 3):
            self.name = f"{self.name} anew"


async def test_an_effect_and_the_position_of_another_reader_do_not_go_together(
    follower: Follower, engine: AsyncEngine
) -> None:
    events = await follower.source.read(GEMEENTE, after=0)
    follower.reader = Switching()
    for at in (0, 2):
        with pytest.raises(PositionMoved, match="anew meanwhile"):
            await follower.deliver(LEDGER, events[at : at + 2])
        async with engine.begin() as tx:
            await tx.execute(text("DELETE FROM casework.readers"))
            now = {"reader": follower.reader.name, "at": at}
            await tx.execute(text("INSERT INTO casework.readers VALUES (:reader, 'casework/GM0984', :at)"), now)
        follower.reader.handle = Noting().handle  # type: ignore[method-assign]
        await follower.deliver(LEDGER, events[at : at + 2])
        del follower.reader.handle
    assert await noted(engine) == [1, 2, 3, 4]


async def _put_back(engine: AsyncEngine, position: int) -> None:
    async with engine.begin() as tx:
        await tx.execute(text("UPDATE casework.readers SET position = :at"), {"at": position})
        await tx.execute(text("DELETE FROM noted WHERE position > :at"), {"at": position})
