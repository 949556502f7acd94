"""The rebuild: the facts built anew from casework's ledgers beside the live ones, compared with them, and switched to.

It decides nothing and tells nobody: no reactor and no publisher takes part. What a kill stopped is gone on from.

NothingKept   the operator: there is no earlier generation to go back to
"""

from dataclasses import dataclass
from time import monotonic

from sqlalchemy.ext.asyncio import AsyncEngine

from schemas.programme import Programmes
from services.reporting.building import CHECKPOINT
from services.reporting.comparing import differences
from services.reporting.generation_build import Build, alone, begin
from services.reporting.generations import (
    Generation,
    departs,
    drop_tables,
    ensure_generation,
    find_generation,
    fingerprint,
    reached,
    schema_of,
    switch_to,
)
from services.reporting.half_built import About, forget_progress, read_about, read_put_right
from services.reporting.spreading import Progress

NEARLY_THERE = 5000
"""So few events are read while the live facts stand still."""


class NothingKept(Exception):
    """No rebuild has left an earlier generation behind."""

    def __init__(self) -> None:
        super().__init__("there is no earlier generation of the facts to go back to")


@dataclass(frozen=True)
class RebuildReport:
    """What a rebuild did. `differences` are sentences; with the same rules there must be none.

    Readers of the facts never wait for it; what is new in the ledgers waited `waited_seconds`, for the comparison.
    """

    generation: int
    previous: int
    events: int
    positions: dict[str, int]
    rules_changed: bool
    differences: tuple[str, ...]
    waited_seconds: float


async def rules_have_changed(engine: AsyncEngine, programmes: Programmes) -> bool:
    """Whether the live facts were folded with other rules or tables than this version has, so that a rebuild is due."""
    async with engine.connect() as connection:
        live = await find_generation(connection)
    return live is not None and departs(live.fingerprint, fingerprint(programmes))


async def rebuild(
    engine: AsyncEngine, programmes: Programmes, progress: Progress, checkpoint: int = CHECKPOINT
) -> RebuildReport:
    """Build the next generation, up to where the live one is, and switch to it."""
    async with alone(engine):
        async with engine.begin() as tx:
            live = await ensure_generation(tx, programmes)
            about = About(fingerprint(programmes))
            number = await begin(tx, live, about)
        build = Build(engine, programmes, progress, number, checkpoint)
        while await build.follow(live.live) > NEARLY_THERE:
            pass
        await build.finish()
        return await _compare_and_switch(engine, build, live, about.fingerprint)


async def roll_back(engine: AsyncEngine) -> Generation:
    """Switch back to the generation before; its reader catches up from where it was left."""
    async with alone(engine), engine.begin() as tx:
        live = await find_generation(tx, update=True)
        if live is None or live.previous is None:
            raise NothingKept
        about = await read_about(tx, schema_of(live.previous))
        rules = about.fingerprint if about else live.fingerprint
        await switch_to(tx, live.previous, live.live, rules)
    return Generation(live.previous, live.live, rules)


async def _compare_and_switch(engine: AsyncEngine, build: Build, live: Generation, rules: str) -> RebuildReport:
    async with engine.begin() as tx:
        # From here the live generation stands still: its reader waits for this row.
        await find_generation(tx, update=True)
        since = monotonic()
        positions = await reached(tx, live.live)
        await build.up_to(positions)
        found = await differences(tx, live.live, build.number)
        put_right = await read_put_right(tx, schema_of(build.number))
        await switch_to(tx, build.number, live.live, rules)
        await forget_progress(tx, schema_of(build.number))
        if live.previous is not None:
            await drop_tables(tx, live.previous)
    told = (*found, *put_right)
    changed, waited = departs(live.fingerprint, rules), monotonic() - since
    return RebuildReport(build.number, live.live, build.events, positions, changed, told, waited)
