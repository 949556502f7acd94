"""What a statement reads does not grow with the ledger, by whatever plan PostgreSQL made while it was short."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from eventlog.ledger import Append
from eventlog.postgres import PostgresLedger
from tests.eventlog.making import GEMEENTE, append, event

_LOOKED_AT = text(
    "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"
    " WHERE schemaname = 'casework' AND relname = 'events'"
)
TIMES_BEFORE_A_PLAN_IS_KEPT = 8
GROWN = 3000


async def looked_at(tx: AsyncConnection, do: Callable[[], Awaitable[object]]) -> int:
    before = (await tx.execute(_LOOKED_AT)).scalar_one()
    await do()
    return int((await tx.execute(_LOOKED_AT)).scalar_one() - before)


async def grow(ledger: PostgresLedger, first: int, count: int) -> None:
    async with ledger.begin() as tx:
        await ledger.append(tx, GEMEENTE, [append(f"s{number}") for number in range(first, first + count)])


async def test_streams_are_found_by_their_index(ledger: PostgresLedger) -> None:
    await grow(ledger, 0, 20)
    async with ledger.asking() as tx:
        for _ in range(TIMES_BEFORE_A_PLAN_IS_KEPT):
            await ledger.read_streams(tx, GEMEENTE, ["s1", "s2"])
        await grow(ledger, 20, GROWN)
    async with ledger.begin() as tx:
        assert await looked_at(tx, lambda: ledger.read_streams(tx, GEMEENTE, ["s1", "s2", "none"])) == 2


async def test_an_append_within_a_transaction_looks_at_its_own_streams(ledger: PostgresLedger) -> None:
    await grow(ledger, 0, 20)
    for number in range(TIMES_BEFORE_A_PLAN_IS_KEPT):
        async with ledger.begin() as tx:
            await ledger.append(tx, GEMEENTE, [append(f"n{number}"), Append("s1", number + 1, (event(),))])
    await grow(ledger, 20, GROWN)
    async with ledger.begin() as tx:
        appends = [append("new"), Append("s1", TIMES_BEFORE_A_PLAN_IS_KEPT + 1, (replace(event(), case="c"),))]
        assert await looked_at(tx, lambda: ledger.append(tx, GEMEENTE, appends)) <= len(appends)
