"""Whose fault it is that a reader could not take a record: the record's own, or that of everything around it.

The rule: whatever `handle` raises is the record's fault, and quarantines its case, unless it is one of the errors here.
Those pass by themselves or are for the operator, and the same record may do well the next time: the reader tries again
and its lag shows that it stands still. Of the database's errors only those about a value (SQLSTATE classes 22, 23 and
54, and values the driver cannot send) are the record's.
"""

import traceback
from typing import Any, cast

from aiokafka.errors import KafkaError
from asyncpg import InterfaceError as DriverError
from asyncpg import InternalClientError, PostgresError
from sqlalchemy.exc import DBAPIError, MultipleResultsFound, NoResultFound, SQLAlchemyError, StatementError

from eventlog.errors import BrokenLedger, EventlogError, Gap, PositionMoved, Standstill, VersionConflict

_SURROUNDINGS = (
    OSError,  # connections, time-outs and disks
    MemoryError,
    KafkaError,
    InternalClientError,  # the driver's own state
    Gap,
    PositionMoved,
    VersionConflict,
    BrokenLedger,
    Standstill,
)
_ABOUT_A_VALUE = ("22", "23", "54")
_LONGEST_REASON = 500


def is_the_records(error: Exception) -> bool:
    """Whether `error`, raised by a reader's `handle`, is the fault of a record it was given."""
    if isinstance(error, _SURROUNDINGS):
        return False
    if isinstance(error, DBAPIError):
        original = cast(Any, error.orig)
        return _is_about_a_value(getattr(original, "sqlstate", None), getattr(original, "__cause__", None))
    if isinstance(error, PostgresError | DriverError):
        return _is_about_a_value(getattr(error, "sqlstate", None), error)
    # Outside the driver: a value that a column's type refuses is the record's, a pool that is empty is not.
    about_rows = isinstance(error, StatementError | NoResultFound | MultipleResultsFound)
    return about_rows or not isinstance(error, SQLAlchemyError)


def reason_of(error: Exception) -> str:
    """What may be kept and shown of `error`: our own sentence, or the error's kind and the line that raised it."""
    if isinstance(error, EventlogError):
        # A table takes no NUL, and a line of a page no whole record.
        return "".join(letter if letter.isprintable() else "?" for letter in str(error)[:_LONGEST_REASON])
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    ours = [frame for frame in frames if frame.f_globals.get("__name__", "").startswith(("services.", "schemas."))]
    if not (last := (ours or frames)[-1:]):
        return type(error).__name__
    return f"{type(error).__name__} in {last[0].f_globals.get('__name__')}, line {_line(error, last[0])}"


def _line(error: Exception, frame: object) -> int:
    return next(line for found, line in traceback.walk_tb(error.__traceback__) if found is frame)


def _is_about_a_value(sqlstate: str | None, cause: BaseException | None) -> bool:
    return sqlstate[:2] in _ABOUT_A_VALUE if sqlstate else isinstance(cause, ValueError)
