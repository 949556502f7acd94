"""Appends to one ledger in PostgreSQL, batch after batch, where the next is numbered while the last is being stored."""

from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy.ext.asyncio import AsyncConnection

from eventlog.connections import begun, driver_of
from eventlog.errors import VersionConflict
from eventlog.ledger import Append, Outcome
from eventlog.one_statement import Ahead, Tip

if TYPE_CHECKING:
    from eventlog.postgres import PostgresLedger


class Appending:
    """Appends to one ledger, a batch at a time; a batch is numbered when asked for and stored when awaited.

    So the next can be numbered and hashed while the one before it is being stored. Where that one was not stored as it
    was numbered, the next is numbered anew.
    """

    def __init__(self, ledger: "PostgresLedger", gemeente: str, connection: AsyncConnection) -> None:
        self._ledger, self._gemeente, self._connection = ledger, gemeente, connection
        self._numbered = ledger.tips.get(gemeente)

    def __call__(self, appends: Sequence[Append]) -> Coroutine[Any, Any, list[Outcome]]:
        return self._store(appends, self._number(self._numbered, appends))

    def _number(self, tip: Tip | None, appends: Sequence[Append]) -> Ahead | None:
        ahead = self._ledger.number_ahead(self._gemeente, tip, appends)
        self._numbered = ahead.new_tip if ahead else None
        return ahead

    async def _store(self, appends: Sequence[Append], ahead: Ahead | None) -> list[Outcome]:
        # Whatever fails, or comes in between, the tip is no longer known; a success makes it known again.
        tip = self._ledger.tips.take(self._gemeente)
        if ahead is None or ahead.tip is not tip:
            ahead = self._number(tip, appends)
        if ahead is not None and await self._in_one_statement(ahead):
            self._ledger.tips.remember(self._gemeente, ahead.new_tip)
            return ahead.sequenced.outcomes
        self._numbered = None
        async with begun(self._connection):
            sequenced, new_tip = await self._ledger.append_and_tell(self._connection, self._gemeente, appends)
        # What was sent before conflicts throughout: then the versions are better asked for first.
        if not any(isinstance(outcome, VersionConflict) for outcome in sequenced.outcomes):
            self._ledger.tips.remember(self._gemeente, new_tip)
            self._numbered = self._ledger.tips.get(self._gemeente)
        return sequenced.outcomes

    async def _in_one_statement(self, ahead: Ahead) -> bool:
        return await self._ledger.one_statement.store(driver_of(self._connection), ahead)
