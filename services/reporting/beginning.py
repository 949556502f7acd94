"""What a build begins with: a generation that was stopped half-way or a new one, and what is done away with for it.

ProgrammeMissing   the operator: a programme whose cases are counted is not defined for this command
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.programme import Programmes
from services.reporting.generations import (
    Generation,
    create_tables,
    departs,
    fingerprint,
    programmes_in,
    reached,
)
from services.reporting.half_built import read_progress
from services.reporting.held import held_cases
from services.reporting.kept_generations import (
    KNOWN,
    REBUILD,
    About,
    folded_by,
    forget,
    kept_generations,
    numbers_in_use,
    schema_of,
)


class ProgrammeMissing(Exception):
    """A programme whose cases the live facts count is not defined here: built without it, they would all be held."""

    def __init__(self, names: Sequence[str], live: int) -> None:
        super().__init__(
            f"the live facts (generation {live}) count cases of {', '.join(names)}, which is not defined here: give "
            "this command the SPOORBOEK_PROGRAMMES of the reporting that runs, or put the definition back"
        )


@dataclass(frozen=True, slots=True)
class Begun:
    """`finished`: a copy that was made before, and is as it should be. `dropped`: copies of which nothing is left."""

    number: int
    finished: bool
    dropped: tuple[str, ...]


async def begin(tx: AsyncConnection, live: Generation, programmes: Programmes, purpose: str, known_on: str) -> Begun:
    """The generation to build: one that was stopped half-way, if it was folded by the same rules, else a new one.

    What was folded by other rules, or lost its tables, is forgotten, copies too: they can be made anew by these; and a
    rebuild that is further than the live facts, since somebody went back to earlier ones. A copy that holds something
    is made anew. Raises ProgrammeMissing.
    """
    await _refuse_without_programmes(tx, live, programmes)
    about, dropped = About(fingerprint(programmes), purpose, known_on), list[str]()
    kept, in_use = await kept_generations(tx), await numbers_in_use(tx)
    begun: tuple[int, About] | None = None
    for number, was in kept.items():
        asked = (was.purpose, was.known_on) == (purpose, known_on)
        if number in (live.live, live.previous):
            continue
        lost = number not in in_use
        if lost or departs(was.fingerprint, about.fingerprint) or await _is_ahead(tx, number, was, live):
            await forget(tx, number)
            if was.purpose == KNOWN and not asked:
                dropped.append(was.known_on)
        elif asked and purpose == KNOWN and was.finished and await held_cases(tx, number):
            await forget(tx, number)
        elif asked:
            begun = number, was
    if begun is None:
        number = max(live.live, *kept, *in_use) + 1
        await create_tables(tx, number, about)
        return Begun(number, False, tuple(dropped))
    number, was = begun
    await folded_by(tx, number, about.fingerprint)
    return Begun(number, was.finished, tuple(dropped))


async def _refuse_without_programmes(tx: AsyncConnection, live: Generation, programmes: Programmes) -> None:
    missing = [name for name in programmes_in(live.fingerprint) if programmes.find(name) is None]
    query = text(f"SELECT EXISTS (SELECT FROM {schema_of(live.live)}.segments WHERE programme = :name)")
    if counted := [name for name in missing if (await tx.execute(query, {"name": name})).scalar_one()]:
        raise ProgrammeMissing(counted, live.live)


async def _is_ahead(tx: AsyncConnection, number: int, was: About, live: Generation) -> bool:
    positions = await reached(tx, live.live)
    under_way = await read_progress(tx, schema_of(number)) if was.purpose == REBUILD else []
    return any(one.position > positions.get(one.ledger, 0) for one in under_way)
