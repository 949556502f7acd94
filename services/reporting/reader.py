"""The reader that folds casework's facts into the live generation; a rebuild runs the same code on the next one."""

from collections.abc import Sequence
from functools import cache

from asyncpg import UndefinedTableError
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from eventlog.errors import PositionMoved, Standstill
from eventlog.ledger import LedgerId, Recorded
from eventlog.step import Step
from schemas.programme import Programmes
from services.reporting.decoding import ConsulentAnswered
from services.reporting.folding import AgeBandOf, fold_recorded, read_fact
from services.reporting.generations import (
    FIRST,
    GENERATION,
    StaleFacts,
    departs,
    ensure_generation,
    find_generation,
    fingerprint,
    hold_generation,
)
from services.reporting.kept_generations import reader_name
from services.reporting.storing import load, save, save_with
from services.reporting.working_set import WorkingSet

SOURCE = "casework"


class OtherRules(Standstill):
    """Who folds beside the process that serves has not the rules of that one."""

    def __init__(self, live: int) -> None:
        super().__init__(
            f"the live facts (generation {live}) are kept by other programmes or rules than this command has: give it "
            "the version and the SPOORBOEK_PROGRAMMES of the reporting that runs, or start reporting with these first"
        )


class FactsReader:
    """Keeps the live generation up with casework's ledgers, also when another process has switched it."""

    source = SOURCE

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes
        self._fingerprint = self._accepted = fingerprint(programmes)
        self._generation = FIRST
        self._joined = False

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

    async def join(self, connection: AsyncConnection) -> None:
        """Fold beside the process that serves: only that one may say by which rules."""
        self._joined = True
        await self.look(connection)

    async def look(self, connection: AsyncConnection) -> None:
        """See which generation is live: where nothing comes, no batch tells of a switch."""
        if (live := await find_generation(connection)) is not None:
            self._generation = live.live

    async def handle(self, tx: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> None:
        live = await hold_generation(tx) or await ensure_generation(tx, self._programmes)
        if live.live != self._generation:
            was, self._generation = self._generation, live.live
            raise PositionMoved(f"the facts have switched from generation {was} to {live.live}")
        if self._joined and live.fingerprint != self._fingerprint:
            raise OtherRules(live.live)
        if departs(live.fingerprint, self._fingerprint):
            raise StaleFacts(live.live)
        self._accepted = live.fingerprint
        await fold_into(tx, live.live, ledger, events, self._programmes)

    async def take_step(self, connection: AsyncConnection, step: Step, events: Sequence[Recorded]) -> int | None:
        """The same and the move in one statement. Rows loaded before it stand: who writes some moves this reader."""
        generation = self._generation
        if step.reader != reader_name(generation):
            return None  # Another delivery in this process has seen a switch.
        try:
            rows = await _folded(connection, generation, step.ledger, events, self._programmes)
            return await save_with(connection, generation, self._accepted, step, rows)
        except UndefinedTableError:
            return None  # It was live two rebuilds ago, and is dropped.


async def fold_into(
    tx: AsyncConnection, generation: int, ledger: LedgerId, events: Sequence[Recorded], programmes: Programmes
) -> None:
    """Fold `events` into the tables of `generation`; its position is moved by the caller, in the same `tx`."""
    rows = await _folded(tx, generation, ledger, events, programmes)
    if rows.new_events:
        await save(tx, generation, rows)


async def _folded(
    connection: AsyncConnection, generation: int, ledger: LedgerId, events: Sequence[Recorded], programmes: Programmes
) -> WorkingSet:
    """The rows that `events` touch, as they are after them."""
    facts = [(event, fact) for event in events if (fact := read_fact(event)) is not None]
    if not facts:
        return WorkingSet(ledger.gemeente)
    answered = {fact.case for _, fact in facts if isinstance(fact, ConsulentAnswered)}
    rows = await load(connection, generation, ledger.gemeente, {fact.case for _, fact in facts}, answered)
    age_band = age_bands(programmes)
    for event, fact in facts:
        fold_recorded(rows, event, fact, age_band)
    return rows


def age_bands(programmes: Programmes) -> AgeBandOf:
    """Each programme's age bands; raises LookupError for a programme that nobody defined."""

    @cache
    def age_band(programme_id: str, age_years: int) -> str | None:
        if (programme := programmes.find(programme_id)) is None:
            raise LookupError(f"no programme {programme_id} is defined here; put its definition back")
        return programme.age_band(age_years)

    return age_band
