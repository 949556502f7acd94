"""The ledger in PostgreSQL."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventlog.appending import Appending
from eventlog.connections import connections_of, driver_in, driver_of
from eventlog.errors import VersionConflict
from eventlog.ledger import Append, AppendNow, Head, LedgerId, Outcome, Recorded
from eventlog.merkle import EMPTY_ROOT, Frontier
from eventlog.one_statement import Ahead, OneStatement, Tip, Tips, as_rows
from eventlog.sequencing import Sequenced, sequence
from eventlog.step import Step, move_alone
from eventlog.tables import RECORDED_COLUMNS, events_table, heads_table

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class PostgresLedger:
    """The ledgers of one service, in the schema of that name."""

    def __init__(
        self, engine: AsyncEngine, service: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.service = service
        self._connections = connections_of(engine)
        self._clock = clock
        self._events = events_table(service)
        self._heads = heads_table(service)
        self.one_statement = OneStatement(service)
        self.tips = Tips()
        # Stream by stream, each by its index: joined, they would be looked for in the whole ledger by a plan that was
        # made when it was short, and is kept as it grows.
        columns = ", ".join(f"stored.{column}" for column in RECORDED_COLUMNS)
        self._streams = (
            f"SELECT {columns} FROM unnest($2::text[]) AS asked(stream) CROSS JOIN LATERAL ("
            f"SELECT * FROM {service}.events WHERE gemeente = $1 AND stream = asked.stream ORDER BY version"
            f") AS stored ORDER BY stored.stream, stored.version"
        )
        self._read = (
            f"SELECT {columns} FROM {service}.events AS stored WHERE gemeente = $1 AND position > $2"
            f" ORDER BY position LIMIT $3"
        )
        self._versions = text(
            f"SELECT asked.stream, latest.version FROM unnest(cast(:streams AS text[])) AS asked(stream)"
            f" CROSS JOIN LATERAL (SELECT version FROM {service}.events WHERE gemeente = :gemeente"
            f" AND stream = asked.stream ORDER BY version DESC LIMIT 1) AS latest"
        )

    def begin(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return self._connections.transaction()

    def asking(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return self._connections.asking()

    async def append(self, tx: AsyncConnection, gemeente: str, appends: Sequence[Append]) -> list[Outcome]:
        ahead = self.number_ahead(gemeente, self.tips.take(gemeente), appends)
        if ahead is not None and await self.one_statement.store_within(tx, ahead):
            self.tips.remember(gemeente, ahead.new_tip)
            return ahead.sequenced.outcomes
        sequenced, new_tip = await self.append_and_tell(tx, gemeente, appends)
        self.tips.remember(gemeente, new_tip)
        return sequenced.outcomes

    async def append_with(self, connection: AsyncConnection, step: Step, appends: Sequence[Append]) -> int | None:
        gemeente = step.ledger.gemeente
        if not appends:
            return await move_alone(connection, self.service, step)
        ahead = self.number_ahead(gemeente, self.tips.take(gemeente), appends)
        if ahead is None or any(isinstance(outcome, VersionConflict) for outcome in ahead.sequenced.outcomes):
            return None
        if (written_by := await self.one_statement.store_with(driver_of(connection), ahead, step)) is not None:
            self.tips.remember(gemeente, ahead.new_tip)
        return written_by

    @asynccontextmanager
    async def appending(self, gemeente: str) -> AsyncIterator[AppendNow]:
        async with self._connections.asking() as connection:
            yield Appending(self, gemeente, connection)

    async def append_and_tell(
        self, tx: AsyncConnection, gemeente: str, appends: Sequence[Append]
    ) -> tuple[Sequenced, Tip]:
        tip = await self._lock(tx, gemeente)
        streams = list({append.stream for append in appends})
        versions = await tx.execute(self._versions, {"gemeente": gemeente, "streams": streams})
        found = {stream: version for stream, version in versions}
        sequenced, new_tip = self._number(gemeente, tip, found, appends)
        if sequenced.events:
            await self._store(tx, gemeente, sequenced.events, sequenced.frontier)
        return sequenced, new_tip

    def number_ahead(self, gemeente: str, tip: Tip | None, appends: Sequence[Append]) -> Ahead | None:
        """What can be stored in one statement; None where the head must be asked for first."""
        if tip is None or not appends or not all(append.events for append in appends):
            return None
        expected = {append.stream: append.expected_version for append in reversed(appends)}
        sequenced, new_tip = self._number(gemeente, tip, expected, appends)
        return Ahead(tip, new_tip, expected, sequenced)

    def _number(
        self, gemeente: str, tip: Tip, versions: dict[str, int], appends: Sequence[Append]
    ) -> tuple[Sequenced, Tip]:
        recorded_at = max(self._clock(), tip.recorded_at)
        sequenced = sequence(LedgerId(self.service, gemeente), tip.frontier, versions, recorded_at, appends)
        return sequenced, Tip(sequenced.frontier, recorded_at if sequenced.events else tip.recorded_at)

    async def _lock(self, tx: AsyncConnection, gemeente: str) -> Tip:
        """Take the head row, so that positions are given in the order of commits: no reader can see 8 before 7."""
        head = select(self._heads).where(self._heads.c.gemeente == gemeente).with_for_update()
        if (row := (await tx.execute(head)).one_or_none()) is None:
            new = {"gemeente": gemeente, "size": 0, "frontier": b"", "root": EMPTY_ROOT, "recorded_at": _EPOCH}
            await tx.execute(insert(self._heads).values(new).on_conflict_do_nothing())
            row = (await tx.execute(head)).one()
        return Tip(Frontier.from_bytes(row.size, row.frontier), row.recorded_at)

    async def _store(self, tx: AsyncConnection, gemeente: str, events: Sequence[Recorded], frontier: Frontier) -> None:
        # COPY carries a whole batch in one round trip. The head's lock above has opened the transaction it runs in.
        columns = [column.name for column in self._events.columns]
        await driver_in(tx).copy_records_to_table(
            "events", schema_name=self.service, columns=columns, records=as_rows(events)
        )
        await tx.execute(
            update(self._heads)
            .where(self._heads.c.gemeente == gemeente)
            .values(
                size=frontier.size,
                frontier=frontier.to_bytes(),
                root=frontier.root,
                recorded_at=events[-1].recorded_at,
            )
        )

    async def read(self, tx: AsyncConnection, gemeente: str, after: int, limit: int = 1000) -> list[Recorded]:
        ledger = LedgerId(self.service, gemeente)
        return [Recorded(ledger, *row) for row in await driver_of(tx).fetch(self._read, gemeente, after, limit)]

    async def read_streams(
        self, tx: AsyncConnection, gemeente: str, streams: Sequence[str]
    ) -> dict[str, list[Recorded]]:
        found: dict[str, list[Recorded]] = {stream: [] for stream in streams}
        ledger = LedgerId(self.service, gemeente)
        for row in await driver_of(tx).fetch(self._streams, gemeente, list(found)):
            event = Recorded(ledger, *row)
            found[event.stream].append(event)
        return found

    async def sizes(self, tx: AsyncConnection) -> dict[str, int]:
        return dict(await driver_of(tx).fetch(f"SELECT gemeente, size FROM {self.service}.heads"))

    async def ends(self, tx: AsyncConnection) -> dict[str, int]:
        """The last position that is stored of each ledger, whatever its head says; it looks at all of them."""
        return dict(await driver_of(tx).fetch(f"SELECT gemeente, max(position) FROM {self.service}.events GROUP BY 1"))

    async def head(self, tx: AsyncConnection, gemeente: str) -> Head:
        query = select(self._heads.c.size, self._heads.c.root).where(self._heads.c.gemeente == gemeente)
        row = (await tx.execute(query)).one_or_none()
        return Head(0, EMPTY_ROOT) if row is None else Head(row.size, row.root)
