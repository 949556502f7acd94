"""Whether the database answers and can be written to, asked apart from the work itself."""

import asyncio

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.runtime.away import database_is_away, kind_of

_PATIENCE_SECONDS = 2

log = structlog.get_logger()

# A table of its own needs room for a page of its own; it goes with the transaction.
_WRITE = "CREATE TEMPORARY TABLE room ON COMMIT DROP AS SELECT repeat('x', 1000) FROM generate_series(1, 10)"


class DatabaseProbe:
    """Asks, and where a sender was turned away also writes: a full disk answers every question."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._doubted = False

    def doubt(self) -> None:
        """Somebody was told to come back. Until something can be written again, nothing can be kept."""
        self._doubted = True

    async def why_away(self) -> str | None:
        """None where what is sent now can be kept, else the kind of error."""
        doubted, self._doubted = self._doubted, False
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS), self._engine.connect() as connection:
                if (await connection.execute(text("SHOW transaction_read_only"))).scalar_one() == "on":
                    return "read-only"
                if doubted:
                    await connection.execute(text(_WRITE))
        except Exception as error:  # noqa: BLE001 - one that is not the database's says nothing of it
            if not database_is_away(error):
                log.error("could not ask the database", error=kind_of(error))
                return None
            self._doubted = self._doubted or doubted
            return kind_of(error)
        return None
