"""Where figures come from: one moment of the live facts, or of a copy of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from services.reporting.copies import get_copy
from services.reporting.generations import find_generation, on_generation, reached
from services.reporting.held import held_by_ledger
from services.reporting.questions import QuestionError
from services.reporting.snapshot import Snapshot

_UNDEFINED_TABLE = "42P01"
_LONGEST_SECONDS = 30
"""A database that is frozen answers nothing at all, and would keep a connection for each who asks."""


class NoFacts(Exception):
    """Nothing was ever folded here: the operator has not started reporting yet."""


class Figures:
    """Where figures come from."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @asynccontextmanager
    async def snapshot(self, known_on: str | None = None) -> AsyncIterator[Snapshot]:
        """One read-only transaction that sees one moment of the live facts, or of the copy of that name.

        Raises NoFacts where there is no live generation, and QuestionError where there is no such copy.
        """
        async with asyncio.timeout(_LONGEST_SECONDS), self._engine.connect() as connection:
            tx = await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            if (live := await find_generation(tx)) is None:
                raise NoFacts
            number = live.live if known_on is None else (await get_copy(tx, known_on)).number
            positions, held = await reached(tx, number), await held_by_ledger(tx, number)
            try:
                yield Snapshot(await on_generation(tx, number), number, positions, held)
            except DBAPIError as error:
                if known_on is None or getattr(error.orig, "sqlstate", None) != _UNDEFINED_TABLE:
                    raise
                sentence = "This copy of the facts was removed just now."
                raise QuestionError(sentence, missing=True, field="asKnownOn") from error
