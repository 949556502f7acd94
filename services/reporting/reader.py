"""The reader that folds casework's facts into the live generation; a rebuild runs the same code on the next one."""

from collections.abc import Sequence
from functools import cache

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from eventlog.errors import PositionMoved
from eventlog.ledger import LedgerId, Recorded
from schemas.programme import Programmes
from services.reporting.decoding import ConsulentAnswered
from services.reporting.folding import AgeBandOf, fold_recorded, read_fact
from services.reporting.generations import (
    FIRST,
    GENERATION,
    StaleFacts,
    departs,
    ensure_generation,
    fingerprint,
    hold_generation,
    reader_name,
)
from services.reporting.storing import load, save

SOURCE = "casework"


class FactsReader:
    """Keeps the live generation up with casework's ledgers, also when another process has switched it."""

    source = SOURCE

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes
        self._fingerprint = fingerprint(programmes)
        self._generation = FIRST

    @property
    def name(self) -> str:
        return reader_name(self._generation)

    async def start(self, tx: AsyncConnection) -> None:
        """Find the live generation, or make the first; raises StaleFacts where a rebuild is due."""
        live = await ensure_generation(tx, self._programmes)
        self._generation = live.live
        if departs(live.fingerprint, self._fingerprint):
            raise StaleFacts(live.live)
        await tx.execute(update(GENERATION).values(fingerprint=self._fingerprint))

    async def handle(self, tx: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        live = await hold_generation(tx) or await ensure_generation(tx, self._programmes)
        if live.live != self._generation:
            was, self._generation = self._generation, live.live
            raise PositionMoved(f"the facts have switched from generation {was} to {live.live}")
        if departs(live.fingerprint, self._fingerprint):
            raise StaleFacts(live.live)
        await fold_into(tx, live.live, ledger, events, self._programmes)


async def fold_into(
    tx: AsyncConnection, generation: int, ledger: LedgerId, events: Sequence[Recorded], programmes: Programmes
) -> None:
    """Fold `events` into the tables of `generation`; its position is moved by the caller, in the same `tx`."""
    facts = [(event, fact) for event in events if (fact := read_fact(event)) is not None]
    if not facts:
        return
    answered = {fact.case for _, fact in facts if isinstance(fact, ConsulentAnswered)}
    rows = await load(tx, generation, ledger.gemeente, {fact.case for _, fact in facts}, answered)
    age_band = age_bands(programmes)
    for event, fact in facts:
        fold_recorded(rows, event, fact, age_band)
    await save(tx, generation, rows)


def age_bands(programmes: Programmes) -> AgeBandOf:
    """Each programme's age bands; raises LookupError for a programme that nobody defined."""

    @cache
    def age_band(programme_id: str, age_years: int) -> str | None:
        if (programme := programmes.find(programme_id)) is None:
            raise LookupError(f"no programme {programme_id} is defined here; put its definition back")
        return programme.age_band(age_years)

    return age_band
