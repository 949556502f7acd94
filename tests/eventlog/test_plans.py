"""What a statement reads does not grow with the ledger, by whatever plan PostgreSQL made while it was short."""

from dataclasses import replace

from eventlog.ledger import Append
from eventlog.postgres import PostgresLedger
from tests.eventlog.making import GEMEENTE, append, event
from tests.parts.looked_at import TIMES_BEFORE_A_PLAN_IS_KEPT, looked_at

EVENTS = "casework.events"
GROWN = 3000


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
        assert await looked_at(tx, EVENTS, lambda: ledger.read_streams(tx, GEMEENTE, ["s1", "s2", "none"])) == 2


async def test_an_append_within_a_transaction_looks_at_its_own_streams(ledger: PostgresLedger) -> None:
    await grow(ledger, 0, 20)
    for number in range(TIMES_BEFORE_A_PLAN_IS_KEPT):
        async with ledger.begin() as tx:
            await ledger.append(tx, GEMEENTE, [append(f"n{number}"), Append("s1", number + 1, (event(),))])
    await grow(ledger, 20, GROWN)
    async with ledger.begin() as tx:
        appends = [append("new"), Append("s1", TIMES_BEFORE_A_PLAN_IS_KEPT + 1, (replace(event(), case="c"),))]
        assert await looked_at(tx, EVENTS, lambda: ledger.append(tx, GEMEENTE, appends)) <= len(appends)
