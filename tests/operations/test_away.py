"""Which errors say that the database is away, so that the sender is asked to come back, and which are our own fault."""

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from services.runtime.away import database_is_away

PASSING = [
    ConnectionRefusedError(),
    ConnectionResetError(),
    TimeoutError(),
    PoolTimeout(),
    asyncpg.CannotConnectNowError("the database system is starting up"),
    asyncpg.AdminShutdownError("terminating connection"),
    asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.TooManyConnectionsError("sorry, too many clients already"),
    asyncpg.DiskFullError("could not extend file"),
    asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT in a read-only transaction"),
    asyncpg.DeadlockDetectedError("deadlock detected"),
    asyncpg.InternalClientError("cannot switch to state 11; another operation (2) is in progress"),
    asyncpg.ObjectNotInPrerequisiteStateError("database is not currently accepting connections"),
    asyncpg.InvalidCatalogNameError("database does not exist"),
    asyncpg.PostgresIOError("could not read block"),
    asyncpg.InvalidPasswordError("password authentication failed"),
    asyncpg.IdleInTransactionSessionTimeoutError("terminating connection"),
]
OURS = [
    asyncpg.UniqueViolationError("duplicate key"),
    asyncpg.UndefinedTableError("relation does not exist"),
    asyncpg.InsufficientPrivilegeError("permission denied"),
    asyncpg.InterfaceError("cannot perform operation: another operation is in progress"),
    asyncpg.InternalClientError("got result for unknown protocol state 3"),
    FileNotFoundError("beheer.html"),
    PermissionError("vault.key"),
    ValueError("age"),
]


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_what_passes_by_itself_is_the_database_away(error: Exception) -> None:
    assert database_is_away(error)
    assert database_is_away(_wrapped(error)) or isinstance(error, OSError | PoolTimeout)


@pytest.mark.parametrize("error", OURS, ids=lambda error: type(error).__name__)
def test_what_does_not_pass_is_ours(error: Exception) -> None:
    assert not database_is_away(error)
    assert not database_is_away(_wrapped(error))


def _wrapped(error: Exception) -> DBAPIError:
    """As SQLAlchemy hands it on: its own error, for the dialect's, for the driver's."""
    dialects = Exception("of the dialect")
    dialects.__cause__ = error
    return DBAPIError("SELECT 1", {}, dialects)
