"""Group commit: many callers, few transactions, and each caller gets its own answer."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from eventlog.errors import VersionConflict
from eventlog.ledger import Append, Recorded
from eventlog.memory import MemoryLedger
from eventlog.writer import Writer
from tests.eventlog.making import GEMEENTE, append


class Counting(MemoryLedger):
    """Counts its transactions; each takes a moment, as a disk does."""

    transactions = 0
    broken = False

    async def append(
        self, tx: AsyncConnection, gemeente: str, appends: Sequence[Append]
    ) -> list[list[Recorded] | VersionConflict]:
        self.transactions += 1
        await asyncio.sleep(0.001)
        if self.broken:
            self.broken = False
            raise ConnectionError("the database went away")
        return await super().append(tx, gemeente, appends)


async def test_callers_that_wait_share_a_transaction() -> None:
    ledger, commits = Counting("casework"), 0

    def committed(gemeente: str) -> None:
        nonlocal commits
        commits += 1

    writer = Writer(ledger, committed)
    stored = await asyncio.gather(*(writer.append(GEMEENTE, append(f"s{n}")) for n in range(200)))
    assert sorted(one.position for (one,) in stored) == list(range(1, 201))
    assert ledger.transactions == commits <= 3


async def test_appends_are_stored_in_the_order_in_which_they_were_asked() -> None:
    writer = Writer(Counting("casework"), lambda gemeente: None)
    stored = await asyncio.gather(*(writer.append(GEMEENTE, append(f"s{n}")) for n in range(1200)))
    assert [one.position for (one,) in stored] == list(range(1, 1201))


async def test_one_callers_conflict_is_not_the_others() -> None:
    writer = Writer(Counting("casework"), lambda gemeente: None)
    first, second, other = await asyncio.gather(
        *(writer.append(GEMEENTE, append(stream)) for stream in ("a", "a", "b")), return_exceptions=True
    )
    assert isinstance(second, VersionConflict)
    assert isinstance(first, list)
    assert isinstance(other, list)


async def test_when_the_database_is_away_every_caller_hears_it_and_the_next_may_succeed() -> None:
    ledger = Counting("casework")
    writer = Writer(ledger, lambda gemeente: None)
    ledger.broken = True
    heard = await asyncio.gather(*(writer.append(GEMEENTE, append(f"s{n}")) for n in range(3)), return_exceptions=True)
    assert [type(one) for one in heard] == [ConnectionError] * 3
    assert [one.position for one in await writer.append(GEMEENTE, append("s"))] == [1]


async def test_what_waits_behind_a_failed_batch_is_not_stored_out_of_order() -> None:
    ledger = Counting("casework")
    writer = Writer(ledger, lambda gemeente: None)
    ledger.broken = True
    asked = [asyncio.create_task(writer.append(GEMEENTE, append(f"s{n}"))) for n in range(1200)]
    heard = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(one) for one in heard} == {ConnectionError}
    assert ledger.transactions == 1


async def test_a_caller_that_went_away_does_not_take_the_others_along() -> None:
    writer = Writer(Counting("casework"), lambda gemeente: None)
    gone = asyncio.create_task(writer.append(GEMEENTE, append("gone")))
    stays = asyncio.create_task(writer.append(GEMEENTE, append("stays")))
    await asyncio.sleep(0)
    gone.cancel()
    assert [one.position for one in await stays] == [2]
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_a_caller_that_went_away_does_not_keep_from_the_others_that_the_database_is_away() -> None:
    ledger = Counting("casework")
    writer = Writer(ledger, lambda gemeente: None)
    ledger.broken = True
    gone, stays = (asyncio.create_task(writer.append(GEMEENTE, append(stream))) for stream in ("gone", "stays"))
    while not ledger.transactions:
        await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(ConnectionError, match="the database went away"):
        await asyncio.wait_for(stays, 20)
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_what_a_caller_that_went_away_had_not_sent_is_not_stored() -> None:
    """While the database says nothing: else all that senders gave up would wait in memory."""
    ledger = Counting("casework")
    writer = Writer(ledger, lambda gemeente: None)
    first = asyncio.create_task(writer.append(GEMEENTE, append("first")))
    await asyncio.sleep(0)
    while not ledger.transactions:
        await asyncio.sleep(0)
    waiting = [asyncio.create_task(writer.append(GEMEENTE, append(f"s{n}"))) for n in range(3)]
    await asyncio.sleep(0)
    assert waiting[1].cancel()
    await first
    stored = await asyncio.gather(*waiting, return_exceptions=True)
    assert [isinstance(one, asyncio.CancelledError) for one in stored] == [False, True, False]
    async with ledger.asking() as tx:
        found = await ledger.read(tx, GEMEENTE, after=0)
    assert [one.stream for one in found] == ["first", "s0", "s2"]
