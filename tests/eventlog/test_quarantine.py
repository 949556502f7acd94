"""What a reader cannot take holds up its own case and no other, whoever delivers, however often and in what parts."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count

import asyncpg
import pytest
from aiokafka.errors import KafkaConnectionError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, NoResultFound, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from eventlog.blame import is_the_records, reason_of
from eventlog.errors import BrokenLedger, Gap, PositionMoved, Standstill, UnreadableRecord, VersionConflict
from eventlog.ledger import LedgerId, Recorded
from eventlog.redrive import Redriven, redrive
from tests.eventlog.picky import LEDGER, Desk, Halting, Picky, desk_at

BAD = "quarantined casework/GM0984/{}: cannot be read"


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with desk_at(database_url) as desk:
        yield desk


async def test_the_case_waits_and_all_others_go_on(desk: Desk) -> None:
    await desk.append("abcabcabc")
    desk.reader.poison = {5}
    assert await desk.follower().catch_up(LEDGER) == 9
    assert await desk.told() == {"a": [1, 4, 7], "b": [2], "c": [3, 6, 9]}
    assert await desk.held() == {5: BAD.format(5), 8: "waiting"}


async def test_later_batches_of_the_case_wait_too(desk: Desk) -> None:
    desk.reader.poison = {2}
    for cases in ("ab", "ba", "bb"):
        await desk.append(cases)
        await desk.follower().catch_up(LEDGER)
    assert await desk.told() == {"a": [1, 4]}
    assert await desk.held() == {2: BAD.format(2), 3: "waiting", 5: "waiting", 6: "waiting"}


async def test_an_event_without_a_case_holds_up_its_stream_alone(desk: Desk) -> None:
    await desk.append("-a-")
    desk.reader.poison = {1}
    await desk.follower().catch_up(LEDGER)
    assert await desk.told() == {"a": [2], "s3": [3]}


async def test_a_redrive_takes_what_was_held_in_its_order(desk: Desk) -> None:
    await desk.append("ababab")
    desk.reader.poison = {2}
    follower = desk.follower()
    await follower.catch_up(LEDGER)
    assert await redrive(follower, LEDGER, "b") == Redriven(0, 2, "casework/GM0984/2: cannot be read")
    assert await desk.held() == {2: BAD.format(2), 4: "waiting", 6: "waiting"}
    desk.reader.poison = set()
    assert await redrive(follower, LEDGER, "b") == Redriven(3)
    assert await desk.told() == {"a": [1, 3, 5], "b": [2, 4, 6]}
    assert await desk.held() == {}
    desk.reader.batches.clear()
    await desk.append("b")
    await follower.catch_up(LEDGER)
    assert (await desk.told())["b"] == [2, 4, 6, 7]


async def test_a_redrive_goes_as_far_as_it_can(desk: Desk) -> None:
    await desk.append("bbbbb")
    desk.reader.poison = {1, 4}
    follower = desk.follower()
    await follower.catch_up(LEDGER)
    desk.reader.poison = {4}
    assert await redrive(follower, LEDGER, "b") == Redriven(3, 4, "casework/GM0984/4: cannot be read")
    assert await desk.told() == {"b": [1, 2, 3]}
    assert await desk.held() == {4: BAD.format(4), 5: "waiting"}


async def test_what_is_delivered_again_stays_held_once(desk: Desk) -> None:
    await desk.append("abab")
    desk.reader.poison = {2}
    follower = desk.follower()
    events = await follower.source.read("GM0984", 0)
    for start, end in ((0, 3), (1, 4), (0, 4)):
        await follower.deliver(LEDGER, events[start:end])
    assert await desk.told() == {"a": [1, 3]}
    assert await desk.held() == {2: BAD.format(2), 4: "waiting"}


async def test_two_instances_and_a_redrive_at_once_keep_the_order(desk: Desk) -> None:
    """Each instance takes every batch; now and then what is held is tried again, which fails until it is mended."""
    await desk.append("abc" * 40)
    desk.reader.poison = {2}
    one, other = desk.follower(), desk.follower()
    events = await one.source.read("GM0984", 0)

    async def deliver_all(follower: object) -> None:
        assert follower in (one, other)
        for start in range(0, 120, 7):
            try:
                await (one if follower is one else other).deliver(LEDGER, events[start : start + 7])
            except Gap:
                await one.catch_up(LEDGER)

    async def redrive_now_and_then() -> None:
        for turn in range(10):
            await asyncio.sleep(0.02)
            if turn == 5:
                desk.reader.poison = set()
            await redrive(other, LEDGER, "b")

    await asyncio.gather(deliver_all(one), deliver_all(other), redrive_now_and_then())
    await redrive(one, LEDGER, "b")
    assert await desk.told() == {case: list(range(first, 121, 3)) for first, case in enumerate("abc", start=1)}
    assert await desk.held() == {}


async def test_an_instance_that_waited_for_the_lock_sees_what_the_other_held(desk: Desk) -> None:
    await desk.append("abb")
    events = await desk.follower().source.read("GM0984", 0)
    await desk.follower().deliver(LEDGER, events[:1])
    follower = desk.follower()
    assert follower.quarantine is not None

    async def cannot(_: object) -> None:
        raise UnreadableRecord("casework/GM0984/2: cannot be read")

    async with follower.positions.begin() as tx:
        await follower.positions.lock_place(tx, "picky", LEDGER)
        waiting = asyncio.create_task(follower.deliver(LEDGER, events))
        await asyncio.sleep(0.2)
        await follower.quarantine.take(tx, "picky", LEDGER, events[1:2], cannot)
        await follower.positions.move(tx, "picky", LEDGER, 1, 2)
    await waiting
    assert (await desk.told(), await desk.held()) == ({"a": [1]}, {2: BAD.format(2), 3: "waiting"})


async def test_what_comes_during_a_redrive_waits_for_its_end(desk: Desk) -> None:
    await desk.append("abb")
    desk.reader.poison = {2}
    await desk.follower().catch_up(LEDGER)
    await desk.append("b")
    mended = desk.follower(Halting())
    assert isinstance(mended.reader, Halting)
    redriving = asyncio.create_task(redrive(mended, LEDGER, "b"))
    await mended.reader.reached.wait()
    delivering = asyncio.create_task(desk.follower().catch_up(LEDGER))
    await asyncio.sleep(0.1)
    assert not delivering.done()
    mended.reader.go_on.set()
    assert (await redriving, await delivering) == (Redriven(2), 4)
    assert (await desk.told(), await desk.held()) == ({"a": [1], "b": [2, 3, 4]}, {})


async def test_the_operator_hears_of_an_event_that_its_ledger_does_not_have(desk: Desk) -> None:
    await desk.append("ab")
    desk.reader.poison = {2}
    follower = desk.follower()
    await follower.catch_up(LEDGER)
    follower.source.read = _nothing  # type: ignore[method-assign, assignment]
    with pytest.raises(BrokenLedger, match="casework/GM0984/2 is held in quarantine, but its ledger does not have it"):
        await redrive(follower, LEDGER, "b")


async def _nothing(*_: object) -> list[Recorded]:
    return []


async def test_a_good_batch_asks_nothing_of_the_quarantine(desk: Desk) -> None:
    """Nor does one after a redrive that left nothing."""
    await desk.append("abab")
    desk.reader.poison = {2}
    await desk.follower().catch_up(LEDGER)
    desk.reader.poison = set()
    await redrive(desk.follower(), LEDGER, "b")
    before = await _scans(desk)
    await desk.append("abab")
    await desk.follower().catch_up(LEDGER)
    assert await _scans(desk) == before
    assert desk.reader.batches[-1] == 4


async def _scans(desk: Desk) -> int:
    """How often the table was looked into, once every connection has told."""
    await desk.engine.dispose()
    query = "SELECT coalesce(sum(seq_scan + idx_scan), 0) FROM pg_stat_user_tables WHERE relname = 'quarantine'"
    others = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'spoorboek casework'"
    while True:
        async with desk.engine.connect() as connection:
            if (await connection.execute(text(others))).scalar_one() == 1:
                return int((await connection.execute(text(query))).scalar_one())


async def test_one_bad_event_in_a_thousand_costs_some_twenty_attempts(desk: Desk) -> None:
    await desk.append("".join(chr(0x4E00 + number) for number in range(1000)))
    desk.reader.poison = {613}
    await desk.follower().catch_up(LEDGER)
    assert len(desk.reader.batches) <= 22
    assert list(await desk.held()) == [613]


_gemeenten = count(1000)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cases=st.text(alphabet="abcd-", min_size=1, max_size=25),
    poisoned=st.sets(st.integers(1, 25), max_size=6),
    mended_first=st.sets(st.integers(1, 25)),
    batch=st.integers(1, 9),
)
async def test_after_redrive_everything_is_as_if_nothing_had_been_wrong(
    desk: Desk, cases: str, poisoned: set[int], mended_first: set[int], batch: int
) -> None:
    gemeente = f"GM{next(_gemeenten)}"
    ledger = LedgerId("casework", gemeente)
    reader = Picky(set(poisoned))
    follower = desk.follower(reader)
    half = len(cases) // 2
    for part in (cases[:half], cases[half:]):
        if part:
            await desk.append(part, gemeente)
        for start in range(0, len(cases), batch):
            await follower.deliver(ledger, await follower.source.read(gemeente, start, batch))
        for case in set(cases) | {f"s{number}" for number in range(1, 26)}:
            await redrive(follower, ledger, case)
        reader.poison -= mended_first
    reader.poison = set()
    expected: dict[str, list[int]] = {}
    for position, case in enumerate(cases, start=1):
        expected.setdefault(case if case != "-" else f"s{position}", []).append(position)
    for case in expected:
        await redrive(follower, ledger, case)
    assert await desk.told(gemeente) == expected
    assert await desk.held() == {}


def _from_the_database(sqlstate: str) -> DBAPIError:
    original = Exception("what the database said")
    original.sqlstate = sqlstate  # type: ignore[attr-defined]
    return DBAPIError("INSERT …", None, original)


SURROUNDINGS = (
    ConnectionResetError(),
    TimeoutError(),
    KafkaConnectionError(),
    Gap(LEDGER, 1, 3),
    PositionMoved("moved"),
    VersionConflict("case-1", 1, 2),
    BrokenLedger("broken"),
    Standstill("old rules"),
    OperationalError("SELECT 1", None, Exception("away")),
    _from_the_database("40001"),
    _from_the_database("40P01"),
    _from_the_database("42P01"),
    _from_the_database("53100"),
    _from_the_database("57P01"),
    PoolTimeout("no connection is free"),
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.AdminShutdownError("going down"),
)
THE_RECORDS = (
    UnreadableRecord("casework/GM0984/1: not ours"),
    KeyError("area"),
    ValueError("x"),
    AssertionError(),
    _from_the_database("22001"),
    _from_the_database("23502"),
    _from_the_database("54000"),
    NoResultFound(),
    asyncpg.NotNullViolationError("null"),
    asyncpg.DataError("a text is no number"),
)


@pytest.mark.parametrize("error", SURROUNDINGS, ids=repr)
async def test_what_is_not_the_records_fault_stops_the_reader_and_holds_nothing(desk: Desk, error: Exception) -> None:
    await desk.append("aba")
    desk.reader.poison, desk.reader.error = {2}, error
    with pytest.raises(type(error)):
        await desk.follower().catch_up(LEDGER)
    assert (await desk.told(), await desk.held()) == ({}, {})


@pytest.mark.parametrize("error", THE_RECORDS, ids=repr)
def test_everything_else_is_the_records_fault(error: Exception) -> None:
    assert is_the_records(error)


async def test_a_value_that_the_database_refuses_is_the_records_fault(desk: Desk) -> None:
    for statement, value in (("SELECT cast(:v AS int)", "x"), ("SELECT cast(:v AS text)", "\0")):
        with pytest.raises(DBAPIError) as raised:
            async with desk.engine.begin() as tx:
                await tx.execute(text(statement), {"v": value})
        assert is_the_records(raised.value)


def test_a_reason_never_quotes_what_was_in_the_record() -> None:
    def read() -> None:
        raise ValueError("Anna de Vries")

    with pytest.raises(ValueError) as raised:
        read()
    assert reason_of(raised.value).startswith("ValueError in tests.eventlog.test_quarantine, line ")
    assert "Anna" not in reason_of(raised.value)


async def test_without_a_quarantine_a_publisher_stands_still(desk: Desk) -> None:
    await desk.append("ab")
    desk.reader.poison = {1}
    follower = desk.follower()
    follower.quarantine = None
    with pytest.raises(UnreadableRecord):
        await follower.catch_up(LEDGER)
    assert (await desk.told(), await desk.held()) == ({}, {})
