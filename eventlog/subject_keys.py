"""Where the families' wrapped keys are kept: one for each, whoever comes first, durable before anything is sealed."""

from collections.abc import Collection, Mapping
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncEngine

from eventlog.connections import connections_of, driver_of


class Keys(Protocol):
    """Where the families' wrapped keys are kept."""

    async def keep_first(self, gemeente: str, wrapped: Mapping[str, bytes]) -> dict[str, bytes]:
        """Durably keep the wrapped key of each subject that has none yet; those that were kept."""
        ...

    async def find(self, gemeente: str, subjects: Collection[str]) -> dict[str, bytes]:
        """The wrapped keys of those subjects that have one."""
        ...


class PostgresKeys:
    """The keys in the schema `vault`. Each is committed before anything is sealed with it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._connections = connections_of(engine)

    async def keep_first(self, gemeente: str, wrapped: Mapping[str, bytes]) -> dict[str, bytes]:
        # In the order of the subjects, so that two batches at once do not wait for each other.
        subjects = sorted(wrapped)
        keys = [wrapped[subject] for subject in subjects]
        async with self._connections.asking() as connection:
            return dict(await driver_of(connection).fetch(_KEEP_FIRST, gemeente, subjects, keys))

    async def find(self, gemeente: str, subjects: Collection[str]) -> dict[str, bytes]:
        async with self._connections.asking() as connection:
            return dict(await driver_of(connection).fetch(_FIND, gemeente, list(subjects)))


_KEEP_FIRST = """
    INSERT INTO vault.subject_keys (gemeente, subject, wrapped_key)
    SELECT $1, new.* FROM unnest($2::text[], $3::bytea[]) AS new ON CONFLICT DO NOTHING RETURNING subject, wrapped_key
"""
_FIND = "SELECT subject, wrapped_key FROM vault.subject_keys WHERE gemeente = $1 AND subject = ANY($2::text[])"


class MemoryKeys:
    """The keys in memory, for tests of rules that need no database."""

    def __init__(self) -> None:
        self._wrapped: dict[tuple[str, str], bytes] = {}

    async def keep_first(self, gemeente: str, wrapped: Mapping[str, bytes]) -> dict[str, bytes]:
        new = {subject: key for subject, key in wrapped.items() if (gemeente, subject) not in self._wrapped}
        self._wrapped |= {(gemeente, subject): key for subject, key in new.items()}
        return new

    async def find(self, gemeente: str, subjects: Collection[str]) -> dict[str, bytes]:
        return {one: self._wrapped[gemeente, one] for one in subjects if (gemeente, one) in self._wrapped}
