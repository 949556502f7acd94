"""Which errors are the record's own fault, so that its case is held, and which are its surroundings'."""

import asyncpg
import pytest
from aiokafka.errors import KafkaConnectionError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, NoResultFound, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from eventlog.blame import is_the_records, reason_of
from eventlog.errors import BrokenLedger, Gap, PositionMoved, Standstill, UnreadableRecord, VersionConflict
from tests.eventlog.making import catch_up
from tests.eventlog.picky import LEDGER, Desk


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
        await catch_up(desk.follower(), LEDGER)
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
    assert reason_of(raised.value).startswith("ValueError in tests.eventlog.test_blame, line ")
    assert "Anna" not in reason_of(raised.value)


def test_a_reason_can_be_kept_and_read_whatever_it_is_about() -> None:
    reason = reason_of(UnreadableRecord("a\0b\nc " + "x" * 1000))
    assert reason.startswith("a?b?c x")
    assert len(reason) == 500
