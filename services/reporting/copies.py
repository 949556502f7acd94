"""Copies of the facts "as known on" a day or up to a position: what was recorded later does not count in them.

They lie beside the live facts and are never followed; each can be made anew at any time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventlog.ledger import LedgerId
from schemas.programme import Programmes
from services.reporting.beginning import begin
from services.reporting.generation_build import Build, alone, is_at_work
from services.reporting.generations import ensure_generation, reached
from services.reporting.half_built import read_progress
from services.reporting.held import held_cases
from services.reporting.kept_generations import KNOWN, forget, kept_generations, schema_of, sweep
from services.reporting.questions import QuestionError
from services.reporting.reader import SOURCE
from services.reporting.spreading import Progress
from services.runtime.standing import Building

_AMSTERDAM = ZoneInfo("Europe/Amsterdam")


@dataclass(frozen=True, slots=True)
class Until:
    """The end of a day in Amsterdam, or a position; `name` is how a question asks for the copy."""

    day: date | None = None
    position: int | None = None

    @property
    def name(self) -> str:
        return str(self.position) if self.day is None else self.day.isoformat()

    async def positions(self, tx: AsyncConnection) -> dict[str, int]:
        """The last position of each ledger that belongs to the copy, by the ledger's name.

        Raises QuestionError for a position that no ledger has: it would come to mean other events.
        """
        if self.day is None:
            longest = (await tx.execute(text("SELECT coalesce(max(size), 0) FROM casework.heads"))).scalar_one()
            if self.position is not None and self.position > longest:
                sentence = f"No ledger has {self.position} events yet; the longest has {longest}."
                raise QuestionError(sentence, field="until-position")
            query = "SELECT gemeente, least(size, :until) FROM casework.heads"
            found = await tx.execute(text(query), {"until": self.position})
        else:
            end = datetime.combine(self.day + timedelta(days=1), time(), _AMSTERDAM)
            query = "SELECT gemeente, max(position) FROM casework.events WHERE recorded_at < :until GROUP BY gemeente"
            found = await tx.execute(text(query), {"until": end})
        return {str(LedgerId(SOURCE, gemeente)): position for gemeente, position in found}


@dataclass(frozen=True, slots=True)
class Copy:
    """`finished`: it can be asked; what a kill left half-built cannot."""

    number: int
    known_on: str
    finished: bool = True


@dataclass(frozen=True, slots=True)
class CopyReport:
    """`held_cases` are not counted in it as far as they are held; `dropped_copies` were folded by other rules."""

    copy: Copy
    held_cases: int
    dropped_copies: tuple[str, ...]


async def build_copy(engine: AsyncEngine, programmes: Programmes, until: Until, progress: Progress) -> CopyReport:
    """Build the copy, or go on where a kill stopped it; one that is there stays what it is.

    Raises QuestionError where it would be further than the live facts: nobody could open what it counts.
    """
    async with alone(engine):
        async with engine.begin() as tx:
            positions = await until.positions(tx)
            live = await ensure_generation(tx, programmes)
            _refuse_further(positions, await reached(tx, live.live))
            begun = await begin(tx, live, programmes, KNOWN, until.name)
        await sweep(engine)
        if not begun.finished:
            # The audit trail is the live facts': a rebuild puts it right.
            build = Build(engine, programmes, progress, begun.number, mends_trail=False)
            await build.up_to(positions)
            await build.finish()
        async with engine.connect() as tx:
            held = await held_cases(tx, begun.number)
    return CopyReport(Copy(begun.number, until.name), held, begun.dropped)


def _refuse_further(positions: Mapping[str, int], live: Mapping[str, int]) -> None:
    for ledger, position in sorted(positions.items()):
        if position > live.get(ledger, 0):
            sentence = (
                f"Reporting has read {live.get(ledger, 0)} of the {position} events of {ledger} that this copy would "
                "count: ask again when it has caught up."
            )
            raise QuestionError(sentence, field="until")


async def list_copies(tx: AsyncConnection) -> Sequence[Copy]:
    """Also those that were left half-built."""
    return [
        Copy(number, about.known_on, about.finished)
        for number, about in (await kept_generations(tx)).items()
        if about.purpose == KNOWN
    ]


async def get_copy(tx: AsyncConnection, known_on: str) -> Copy:
    """The copy of that name; raises QuestionError, which says what there is."""
    return _find([copy for copy in await list_copies(tx) if copy.finished], known_on)


def _find(copies: Sequence[Copy], known_on: str) -> Copy:
    for copy in copies:
        if copy.known_on == known_on:
            return copy
    kept = ", ".join(copy.known_on for copy in copies) or "none"
    sentence = f"No copy of the facts as known then is kept; there is: {kept}. `spoorboek replay --until` makes one."
    raise QuestionError(sentence, missing=True, field="asKnownOn")


async def remove_copy(engine: AsyncEngine, known_on: str) -> None:
    async with alone(engine):
        async with engine.begin() as tx:
            await forget(tx, _find(await list_copies(tx), known_on).number)
        await sweep(engine)


async def under_way(tx: AsyncConnection) -> list[Building]:
    """The generations and copies that are being built, or that a kill left half-built, and how far each is."""
    found = []
    for number, about in (await kept_generations(tx)).items():
        if not about.finished:
            ledgers = await read_progress(tx, schema_of(number))
            done, to_do = sum(one.position for one in ledgers), sum(one.target for one in ledgers)
            found.append(Building(number, done, to_do, not await is_at_work(tx), about.known_on))
    return found
