"""Copies of the facts "as known on" a day or up to a position: what was recorded later does not count in them.

They lie beside the live facts and are never followed; each can be made anew at any time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventlog.ledger import LedgerId
from schemas.programme import Programmes
from services.reporting.generation_build import Build, alone, begin, is_at_work
from services.reporting.generations import built_generations, drop_tables, ensure_generation, fingerprint, schema_of
from services.reporting.half_built import KNOWN, About, read_about, read_progress
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
    number: int
    known_on: str


async def build_copy(engine: AsyncEngine, programmes: Programmes, until: Until, progress: Progress) -> Copy:
    """Build the copy, or bring one that is there already to where it should be."""
    async with alone(engine):
        async with engine.begin() as tx:
            positions = await until.positions(tx)
            live = await ensure_generation(tx, programmes)
            number = await begin(tx, live, About(fingerprint(programmes), KNOWN, until.name))
        # The audit trail is the live facts': it may not be as far as the copy, and a rebuild puts it right.
        build = Build(engine, programmes, progress, number, mends_trail=False)
        await build.up_to(positions)
        await build.finish()
    return Copy(number, until.name)


async def kept_copies(tx: AsyncConnection) -> Sequence[Copy]:
    found = [(number, await read_about(tx, schema_of(number))) for number in await built_generations(tx)]
    return [
        Copy(number, about.known_on) for number, about in found if about and about.purpose == KNOWN and about.finished
    ]


async def get_copy(tx: AsyncConnection, known_on: str) -> Copy:
    """The copy of that name; raises QuestionError, which says what there is."""
    copies = await kept_copies(tx)
    for copy in copies:
        if copy.known_on == known_on:
            return copy
    kept = ", ".join(copy.known_on for copy in copies) or "none"
    sentence = f"No copy of the facts as known then is kept; there is: {kept}. `spoorboek replay --until` makes one."
    raise QuestionError(sentence, missing=True, field="asKnownOn")


async def remove_copy(engine: AsyncEngine, known_on: str) -> None:
    async with alone(engine), engine.begin() as tx:
        await drop_tables(tx, (await get_copy(tx, known_on)).number)


async def under_way(tx: AsyncConnection) -> list[Building]:
    """The generations and copies that are being built, or that a kill left half-built, and how far each is."""
    found = []
    for number in await built_generations(tx):
        about = await read_about(tx, schema_of(number))
        if about is not None and not about.finished:
            ledgers = await read_progress(tx, schema_of(number))
            done, to_do = sum(one.position for one in ledgers), sum(one.target for one in ledgers)
            found.append(Building(number, done, to_do, stopped=not await is_at_work(tx)))
    return found
