"""What every ledger promises, whether it is kept in memory or in PostgreSQL: one suite for both."""

from datetime import UTC, datetime, timedelta
from unittest.mock import AsyncMock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventlog import verification
from eventlog.errors import VersionConflict
from eventlog.ledger import Append, Ledger, LedgerId, Outcome, Recorded
from eventlog.memory import MemoryLedger
from eventlog.merkle import EMPTY_ROOT, Frontier, leaf_hash
from eventlog.postgres import PostgresLedger
from eventlog.verification import Verified, verify
from tests.eventlog.making import GEMEENTE, append


class MemoryByItself(MemoryLedger):
    """Is appended to without a transaction of the caller's."""


class PostgresByItself(PostgresLedger):
    """Is appended to without a transaction of the caller's: where it knows the head, in one statement."""


@pytest.fixture(params=[MemoryLedger, MemoryByItself, PostgresLedger, PostgresByItself])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    kind: type[MemoryLedger] | type[PostgresLedger] = request.param
    if issubclass(kind, MemoryLedger):
        return kind("casework")
    return kind(request.getfixturevalue("engine"), "casework")


async def appended(ledger: Ledger, *appends: Append, gemeente: str = GEMEENTE) -> list[Outcome]:
    if isinstance(ledger, MemoryByItself | PostgresByItself):
        async with ledger.appending(gemeente) as append_now:
            return await append_now(appends)
    async with ledger.begin() as tx:
        return await ledger.append(tx, gemeente, appends)


async def fail_halfway(ledger: Ledger) -> None:
    async with ledger.begin() as tx:
        await ledger.append(tx, GEMEENTE, [append("b"), append("a", 1)])
        await ledger.append(tx, "GM0001", [append("b")])
        raise InterruptedError


async def everything(ledger: Ledger, gemeente: str = GEMEENTE) -> list[Recorded]:
    async with ledger.begin() as tx:
        return await ledger.read(tx, gemeente, after=0)


async def test_positions_count_from_one_without_gaps(ledger: Ledger) -> None:
    await appended(ledger, append("a", count=2), append("b"))
    await appended(ledger, append("a", 2))
    assert [(one.position, one.stream, one.version) for one in await everything(ledger)] == [
        (1, "a", 1), (2, "a", 2), (3, "b", 1), (4, "a", 3),
    ]  # fmt: skip


async def test_what_was_appended_is_what_is_read(ledger: Ledger) -> None:
    (outcome,) = await appended(ledger, append("a", count=3))
    assert outcome == await everything(ledger)


async def test_a_conflict_concerns_its_own_append_alone(ledger: Ledger) -> None:
    await appended(ledger, append("a"))
    first, conflict, last = await appended(ledger, append("b"), append("a", 0), append("b", 1))
    assert isinstance(conflict, VersionConflict)
    assert (conflict.stream, conflict.expected, conflict.found) == ("a", 0, 1)
    assert isinstance(first, list)
    assert isinstance(last, list)
    assert [one.position for one in (*first, *last)] == [2, 3]


async def test_an_append_without_events_conflicts_too(ledger: Ledger) -> None:
    await appended(ledger, append("a", count=3))
    conflict, stored, nothing = await appended(ledger, Append("a", 2, ()), append("b"), Append("a", 3, ()))
    assert isinstance(conflict, VersionConflict)
    assert (conflict.stream, conflict.expected, conflict.found) == ("a", 2, 3)
    assert isinstance(stored, list)
    assert nothing == []


async def test_a_transaction_that_fails_leaves_no_trace(ledger: Ledger) -> None:
    await appended(ledger, append("a"))
    with pytest.raises(InterruptedError):
        await fail_halfway(ledger)
    assert [str(one) for one in await everything(ledger)] == ["casework/GM0984/1"]
    assert await everything(ledger, "GM0001") == []
    await appended(ledger, append("b"))
    assert (await verify(ledger, GEMEENTE)).size == 2


async def test_gemeenten_have_ledgers_of_their_own(ledger: Ledger) -> None:
    await appended(ledger, append("a"))
    await appended(ledger, append("a", count=2), gemeente="GM0001")
    async with ledger.begin() as tx:
        assert await ledger.sizes(tx) == {GEMEENTE: 1, "GM0001": 2}


async def test_every_asked_stream_is_answered(ledger: Ledger) -> None:
    await appended(ledger, append("a", count=2), append("b"))
    async with ledger.begin() as tx:
        found = await ledger.read_streams(tx, GEMEENTE, ["a", "nothing"])
    assert {stream: [one.version for one in events] for stream, events in found.items()} == {"a": [1, 2], "nothing": []}


async def test_reading_goes_on_after_a_position(ledger: Ledger) -> None:
    await appended(ledger, append("a", count=5))
    async with ledger.begin() as tx:
        assert [one.position for one in await ledger.read(tx, GEMEENTE, after=2, limit=2)] == [3, 4]
        assert await ledger.read(tx, GEMEENTE, after=5) == []
        assert await ledger.read(tx, "GM0001", after=0) == []


async def test_the_head_is_the_tree_over_what_is_stored(ledger: Ledger) -> None:
    async with ledger.begin() as tx:
        assert (await ledger.head(tx, GEMEENTE)).root == EMPTY_ROOT
    await appended(ledger, append("a", count=3))
    await appended(ledger, append("b", count=2))
    leaves = [leaf_hash(one.leaf()) for one in await everything(ledger)]
    async with ledger.begin() as tx:
        head = await ledger.head(tx, GEMEENTE)
    assert (head.size, head.root) == (5, Frontier().extend(leaves).root)
    assert (await verify(ledger, GEMEENTE)).root == head.root


async def test_a_ledger_that_grows_while_it_is_verified_part_by_part_verifies(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    await appended(ledger, append("a", count=3), append("b", count=2))
    async with ledger.begin() as tx:
        head, went = await ledger.head(tx, GEMEENTE), list[int]()
    await appended(ledger, append("later"))
    monkeypatch.setattr(verification, "_AT_ONCE", 2)
    monkeypatch.setattr(ledger, "head", AsyncMock(return_value=head))
    assert await verify(ledger, GEMEENTE, went.append) == Verified(LedgerId("casework", GEMEENTE), 5, head.root)
    assert went == [2, 4, 5]


async def test_time_never_runs_back(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    noon = datetime(2023, 5, 8, 12, tzinfo=UTC)
    for hours in (0, -1, 1):
        monkeypatch.setattr(ledger, "_clock", lambda hours=hours: noon + timedelta(hours=hours))
        await appended(ledger, append(f"s{hours}"))
    assert [one.recorded_at for one in await everything(ledger)] == [noon, noon, noon + timedelta(hours=1)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.integers(1, 3)), max_size=4), max_size=5)
)
async def test_any_history_of_appends_verifies(ledger: Ledger, batches: list[list[tuple[str, int, int]]]) -> None:
    gemeente = f"GM{abs(hash(str(batches))) % 9000 + 1000}"
    for batch in batches:
        await appended(ledger, *(append(stream, version, count) for stream, version, count in batch), gemeente=gemeente)
    assert (await verify(ledger, gemeente)).size == len(await everything(ledger, gemeente))
