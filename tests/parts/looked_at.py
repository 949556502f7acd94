"""How many rows PostgreSQL looks at for a statement, whatever it then answers."""

from collections.abc import Awaitable, Callable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

TIMES_BEFORE_A_PLAN_IS_KEPT = 8
_LOOKED_AT = text(
    "SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"
    " WHERE schemaname || '.' || relname LIKE :tables"
)


async def looked_at(tx: AsyncConnection, tables: str, do: Callable[[], Awaitable[object]]) -> int:
    """The rows of `tables`, as LIKE has them, that `do` looked at in `tx`."""
    before = (await tx.execute(_LOOKED_AT, {"tables": tables})).scalar_one()
    await do()
    return int((await tx.execute(_LOOKED_AT, {"tables": tables})).scalar_one() - before)
