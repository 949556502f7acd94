"""The local bus: woken or not, every reader gets on, and one ledger's trouble is not another's."""

import asyncio
from collections.abc import Sequence

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from eventlog import bus_local
from eventlog.bus_local import Pull, Wakes
from eventlog.ledger import LedgerId, Recorded
from eventlog.positions import Positions
from eventlog.postgres import PostgresLedger
from eventlog.reader import READ_AT_ONCE, Follower, LedgerSource
from tests.eventlog.making import append


class Choosy:
    """Takes every ledger's events but those of one gemeente, for which its own store is away."""

    name, source = "choosy", "casework"

    def __init__(self) -> None:
        self.taken: list[str] = []

    async def handle(self, tx: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        if ledger.gemeente == "GM0001":
            raise ConnectionError("away")
        self.taken += [str(event) for event in events]


async def test_a_stop_in_the_moment_of_a_wake_is_heard(engine: AsyncEngine, ledger: PostgresLedger) -> None:
    wakes = Wakes()
    pull = Pull(Follower(Choosy(), Positions(engine, "casework"), LedgerSource(ledger)), wakes)
    pull.start()
    await asyncio.sleep(0.1)
    wakes.wake("casework", "GM0001")
    async with asyncio.timeout(5):
        await pull.stop()


async def test_a_wake_reads_on_where_it_happened(
    engine: AsyncEngine, ledger: PostgresLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_local, "_POLL_SECONDS", 3600)
    await _append_to(ledger, "GM0002")
    reader, wakes = Choosy(), Wakes()
    pull = Pull(Follower(reader, Positions(engine, "casework"), LedgerSource(ledger)), wakes)
    pull.start()
    await _until_taken(reader, 1)  # It has looked at all, and does not so soon again.
    await _append_to(ledger, "GM0003", "GM0004")
    wakes.wake("casework", "GM0003")
    await _until_taken(reader, 2)
    await asyncio.sleep(0.2)
    assert reader.taken == ["casework/GM0002/1", "casework/GM0003/1"]
    await pull.stop()


async def test_what_another_process_wrote_is_found_however_often_one_gemeente_wakes(
    engine: AsyncEngine, ledger: PostgresLedger
) -> None:
    reader, wakes = Choosy(), Wakes()
    pull = Pull(Follower(reader, Positions(engine, "casework"), LedgerSource(ledger)), wakes)
    pull.start()
    await asyncio.sleep(0.1)
    await _append_to(ledger, "GM0003")

    async def wake_for_ever() -> None:
        while True:
            wakes.wake("casework", "GM0002")
            await asyncio.sleep(0)

    waking = asyncio.create_task(wake_for_ever())
    try:
        await _until_taken(reader, 1)
    finally:
        waking.cancel()
        await pull.stop()


async def _append_to(ledger: PostgresLedger, *gemeenten: str) -> None:
    for gemeente in gemeenten:
        async with ledger.begin() as tx:
            await ledger.append(tx, gemeente, [append("a")])


async def _until_taken(reader: Choosy, count: int) -> None:
    async with asyncio.timeout(20):
        while len(reader.taken) < count:
            await asyncio.sleep(0.02)


async def test_a_hole_in_the_ledger_is_said_and_holds_up_no_other(
    engine: AsyncEngine, ledger: PostgresLedger, database_url: str
) -> None:
    for gemeente in ("GM0002", "GM0003"):
        async with ledger.begin() as tx:
            await ledger.append(tx, gemeente, [append("a", count=3)])
    owner = create_async_engine(database_url)
    async with owner.begin() as tx:
        await tx.execute(text("ALTER TABLE casework.events DISABLE TRIGGER USER"))
        await tx.execute(text("DELETE FROM casework.events WHERE gemeente = 'GM0002' AND position = 2"))
    await owner.dispose()
    reader = Choosy()
    pull = Pull(Follower(reader, Positions(engine, "casework"), LedgerSource(ledger)), Wakes())
    with structlog.testing.capture_logs() as logs:
        pull.start()
        async with asyncio.timeout(20):
            while not (logs and len(reader.taken) == 3):
                await asyncio.sleep(0.02)
        await pull.stop()
    assert {line["at"] for line in logs} == {"casework/GM0002"}
    assert logs[0]["event"] == "reader stopped, will try again"


async def test_what_a_crash_made_the_database_forget_is_done_again(engine: AsyncEngine, ledger: PostgresLedger) -> None:
    """In a quiet ledger, too: no event comes by which the reader would notice."""
    reader, positions = Choosy(), Positions(engine, "casework")
    pull = Pull(Follower(reader, positions, LedgerSource(ledger)), Wakes())
    async with ledger.begin() as tx:
        await ledger.append(tx, "GM0002", [append("a", count=2)])
    await pull._read(await pull._longer())
    assert await pull._longer() == []
    async with positions.begin() as tx:
        await positions.move(tx, "choosy", LedgerId("casework", "GM0002"), 2, 1)
    for _ in range(2):
        await pull._read(await pull._longer())
    assert reader.taken == [f"casework/GM0002/{position}" for position in (1, 2, 2)]
    assert pull._reached == {"GM0002": 2}


async def test_a_reader_that_was_put_back_goes_on_from_where_it_is(engine: AsyncEngine, ledger: PostgresLedger) -> None:
    reader, positions = Choosy(), Positions(engine, "casework")
    pull = Pull(Follower(reader, positions, LedgerSource(ledger)), Wakes())
    for count in (2, 4):
        async with ledger.begin() as tx:
            await ledger.append(tx, "GM0002", [append("a", count - 2, count=2)])
        await pull._read(await pull._longer())
    async with positions.begin() as tx:
        await positions.move(tx, "choosy", LedgerId("casework", "GM0002"), 4, 1)
    async with ledger.begin() as tx:
        await ledger.append(tx, "GM0002", [append("a", 4)])
    await pull._read(["GM0002"])
    assert pull._reached == {}
    await pull._read(await pull._longer())
    assert pull._reached == {"GM0002": 5}
    assert reader.taken == [f"casework/GM0002/{position}" for position in (1, 2, 3, 4, 2, 3, 4, 5)]


class Restored(LedgerSource):
    """A ledger that has lost what came after `end`."""

    end = 2**62

    async def sizes(self) -> dict[str, int]:
        return {gemeente: min(size, self.end) for gemeente, size in (await super().sizes()).items()}

    async def read(self, gemeente: str, after: int, limit: int = READ_AT_ONCE) -> list[Recorded]:
        return [event for event in await super().read(gemeente, after, limit) if event.position <= self.end]


async def test_a_database_that_was_put_back_while_it_was_read_is_read_on(
    engine: AsyncEngine, ledger: PostgresLedger
) -> None:
    async with ledger.begin() as tx:
        await ledger.append(tx, "GM0002", [append("a", count=5)])
    reader, positions, source = Choosy(), Positions(engine, "casework"), Restored(ledger)
    pull = Pull(Follower(reader, positions, source), Wakes())
    await pull._read(await pull._longer())
    source.end = 3
    async with positions.begin() as tx:
        await positions.move(tx, "choosy", LedgerId("casework", "GM0002"), 5, 1)
    await pull._read(await pull._longer())
    assert reader.taken == [f"casework/GM0002/{position}" for position in (1, 2, 3, 4, 5, 2, 3)]


async def test_who_waits_for_a_ledger_that_fails_hears_of_the_others(
    engine: AsyncEngine, ledger: PostgresLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_local, "_POLL_SECONDS", 60)
    monkeypatch.setattr(bus_local, "_LONGEST_WAIT_SECONDS", 120)
    await _append_to(ledger, "GM0001")
    reader, wakes = Choosy(), Wakes()
    pull = Pull(Follower(reader, Positions(engine, "casework"), LedgerSource(ledger)), wakes)
    pull.start()
    while "GM0001" not in pull._failing:
        await asyncio.sleep(0.01)
    await _append_to(ledger, "GM0002")
    wakes.wake("casework", "GM0002")
    await _until_taken(reader, 1)
    await pull.stop()


async def test_a_ledger_that_fails_holds_up_no_other(engine: AsyncEngine, ledger: PostgresLedger) -> None:
    await _append_to(ledger, "GM0001", "GM0002", "GM0003")
    reader = Choosy()
    pull = Pull(Follower(reader, Positions(engine, "casework"), LedgerSource(ledger)), Wakes())
    pull.start()
    await _until_taken(reader, 2)
    await pull.stop()
    assert sorted(reader.taken) == ["casework/GM0002/1", "casework/GM0003/1"]
