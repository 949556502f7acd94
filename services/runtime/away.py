"""Whether an error says that the database is away or cannot take anything now, so that trying again is the remedy."""

from collections.abc import Collection, Iterator

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# No such table, column, schema or role: what the migrations make.
_NOT_MADE = ("42P01", "42703", "3F000", "22023")
_NOT_ALLOWED = ("42501",)
# SQLSTATE classes: 08 connection, 28 not let in, 40 rolled back for another's sake, 53 out of disk, memory or
# connections, 57 shut down or starting, 58 the server's own files; 25006 is a standby that does not take writes yet,
# 25P03 a transaction that stood still too long; 3D000 and 55000 a database that is being put back, gone or closed.
_PASSING = ("08", "25006", "25P03", "28", "3D000", "40", "53", "55000", "57", "58")

ERRORS: tuple[type[Exception], ...] = (
    DBAPIError,
    PoolTimeout,
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""Every kind that may say so; which of them do, `database_is_away` tells."""


def database_is_away(error: BaseException) -> bool:
    """SQLAlchemy wraps what a statement raises, but neither a COPY's errors nor those of connecting."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _is_passing(error.orig)
    return isinstance(error, PoolTimeout | ConnectionError | TimeoutError) or _is_passing(error)


def kind_of(error: BaseException) -> str:
    """The driver's name for it, under whatever SQLAlchemy wrapped it in."""
    cause = error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig else None
    return type(cause or error).__name__


def is_not_migrated(error: BaseException) -> bool:
    """Whether the database lacks what the migrations make."""
    return _says(error, _NOT_MADE)


def is_not_allowed(error: BaseException) -> bool:
    """Whether the login may not act as the service that it was to act as."""
    return _says(error, _NOT_ALLOWED)


def _says(error: BaseException | None, states: Collection[str]) -> bool:
    if error is None:
        return False
    if getattr(error, "sqlstate", None) in states:
        return True
    return _says(error.orig if isinstance(error, DBAPIError) else error.__cause__, states)


def _is_passing(error: BaseException | None) -> bool:
    if isinstance(error, asyncpg.InterfaceError):
        return "clos" in str(error)  # "connection is closed", "… was closed in the middle of operation"
    if isinstance(error, asyncpg.InternalClientError):
        return "cannot switch to state" in str(error)  # The server ended while it was being spoken to.
    if isinstance(error, OSError):
        # A socket's file that is not there looks like any missing file, but for where it was looked for.
        return "asyncpg" in _raised_in(error)
    state = str(getattr(error, "sqlstate", "") or "")
    wrapped = getattr(error, "__cause__", None)
    return state.startswith(_PASSING) or (wrapped is not None and _is_passing(wrapped))


def _raised_in(error: BaseException) -> set[str]:
    """The top-level packages whose code the error came through."""
    return {name.split(".")[0] for name in _modules(error)}


def _modules(error: BaseException) -> Iterator[str]:
    traceback = error.__traceback__
    while traceback is not None:
        yield str(traceback.tb_frame.f_globals.get("__name__", ""))
        traceback = traceback.tb_next
