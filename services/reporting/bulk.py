"""How a build writes: rows by COPY, what is put right in the audit trail, progress in the same transaction."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

from eventlog.errors import PositionMoved
from eventlog.ledger import LedgerId
from eventlog.merkle import Frontier
from eventlog.quarantine import QUARANTINED, WAITING
from services.reporting.audit_trail import put_right, take_out_beyond
from services.reporting.facts import Referral, Segment
from services.reporting.working_set import WorkingSet

_SEGMENT = [item.name for item in fields(Segment)]
_REFERRAL = [item.name for item in fields(Referral)]


@dataclass(frozen=True, slots=True)
class Held:
    """An event that cannot be folded, or (without a reason) one that waits behind another of its case."""

    position: int
    case: str
    type: str
    reason: str


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows as they were at one moment, in the order of their tables' columns: the key first, in it gemeente first."""

    segments: Sequence[tuple[Any, ...]]
    referrals: Sequence[tuple[Any, ...]]


def changes_of(rows: WorkingSet) -> Changes:
    segments, referrals = rows.to_write()
    return Changes(
        list(map(attrgetter(*_SEGMENT), segments)),
        list(map(attrgetter(*_REFERRAL), referrals)),
    )


class Bulk:
    """One ledger's part of generation `number`."""

    def __init__(self, connection: Any, number: int, ledger: LedgerId) -> None:
        self._connection, self._ledger = connection, ledger
        self._schema = self._reader = f"facts_{number}"

    async def start(self) -> tuple[int, Frontier, int]:
        """(position, tree up to there, how far the audit trail is as recorded)"""
        row = await self._connection.fetchrow(
            f"SELECT position, frontier, audited FROM {self._schema}.progress WHERE ledger = $1", str(self._ledger)
        )
        return row[0], Frontier.from_bytes(row[0], row[1]), row[2]

    async def blocked(self) -> set[str]:
        """The cases that have an event in quarantine."""
        rows = await self._connection.fetch(
            "SELECT DISTINCT case_id FROM reporting.quarantine WHERE reader = $1 AND ledger = $2",
            self._reader,
            str(self._ledger),
        )
        return {row[0] for row in rows}

    async def load(self, rows: WorkingSet, cases: Collection[str]) -> None:
        """Bring back the rows of `cases` that are no longer in memory."""
        asked = list(cases)
        of_cases = "WHERE gemeente = $1 AND case_id = ANY($2)"
        query = f"SELECT {', '.join(_SEGMENT)} FROM {self._schema}.segments {of_cases}"
        for row in await self._connection.fetch(query, rows.gemeente, asked):
            found = Segment(**row)
            found.referred_to = tuple(found.referred_to)
            rows.segments[found.case_id, found.segment] = found
        query = f"SELECT {', '.join(_REFERRAL)} FROM {self._schema}.consulent_referrals {of_cases}"
        for row in await self._connection.fetch(query, rows.gemeente, asked):
            referral = Referral(**row)
            rows.referrals[referral.case_id, referral.referral] = referral

    async def write(self, changes: Changes, held: Sequence[Held], was: int, frontier: Frontier, audited: int) -> None:
        """What was changed since `was`, how far it is now, and how far the audit trail is as recorded.

        Raises PositionMoved where another process has moved the build on.
        """
        async with self._connection.transaction():
            moved = await self._connection.execute(
                f"UPDATE {self._schema}.progress SET position = $1, frontier = $2, audited = $3"
                " WHERE ledger = $4 AND position = $5",
                frontier.size,
                frontier.to_bytes(),
                audited,
                str(self._ledger),
                was,
            )
            if moved != "UPDATE 1":
                raise PositionMoved(f"another process builds {self._ledger}: wait for it to end")
            await self._connection.execute(
                "UPDATE reporting.readers SET position = $1, held = held OR $2 WHERE reader = $3 AND ledger = $4",
                frontier.size,
                bool(held),
                self._reader,
                str(self._ledger),
            )
            if was:
                await self._delete("segments", "segment", "integer", changes.segments)
                await self._delete("consulent_referrals", "referral", "text", changes.referrals)
            await self._copy("segments", _SEGMENT, changes.segments)
            await self._copy("consulent_referrals", _REFERRAL, changes.referrals)
            await self._hold(held)

    async def _delete(self, table: str, key: str, kind: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """The rows that are about to be written anew: one statement, however many they are."""
        await self._connection.execute(
            f"DELETE FROM {self._schema}.{table} AS old USING unnest($2::text[], $3::{kind}[]) AS again(case_id, key)"
            f" WHERE old.gemeente = $1 AND old.case_id = again.case_id AND old.{key} = again.key",
            self._ledger.gemeente,
            [row[1] for row in rows],
            [row[2] for row in rows],
        )

    async def _copy(self, table: str, columns: list[str], rows: Sequence[tuple[Any, ...]]) -> None:
        await self._connection.copy_records_to_table(table, schema_name=self._schema, columns=columns, records=rows)

    async def _hold(self, held: Sequence[Held]) -> None:
        await self._connection.executemany(
            "INSERT INTO reporting.quarantine (reader, ledger, position, case_id, type, status, reason)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7)",
            [
                (
                    self._reader,
                    str(self._ledger),
                    one.position,
                    one.case,
                    one.type,
                    QUARANTINED if one.reason else WAITING,
                    one.reason,
                )
                for one in held
            ],
        )

    async def put_trail_right(self, after: int, up_to: int) -> None:
        """What was wrong is kept in the same transaction, for who asks when the generation is finished."""
        async with self._looking_at_the_trail():
            await self._tell(await put_right(self._connection, self._ledger, self._reader, after, up_to))
            await self.mark_audited(up_to)

    async def end_trail(self, position: int) -> None:
        """Nothing stands past `position` but what a reader that is further has added."""
        async with self._looking_at_the_trail():
            await self._tell(await take_out_beyond(self._connection, self._ledger, position))

    async def mark_audited(self, position: int) -> None:
        await self._connection.execute(
            f"UPDATE {self._schema}.progress SET audited = $1 WHERE ledger = $2", position, str(self._ledger)
        )

    @asynccontextmanager
    async def _looking_at_the_trail(self) -> AsyncIterator[None]:
        async with self._connection.transaction():
            # While there are no statistics, as after a restore, all of a part would be looked at for each of its rows.
            await self._connection.execute("SET LOCAL enable_nestloop = off")
            yield

    async def _tell(self, found: Sequence[str]) -> None:
        await self._connection.executemany(
            f"INSERT INTO {self._schema}.put_right VALUES ($1)", [(sentence,) for sentence in found]
        )
