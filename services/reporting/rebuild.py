"""The rebuild: the facts built anew from casework's ledgers beside the live ones, compared with them, and switched to.

It decides nothing and tells nobody: no reactor and no publisher takes part. What a kill stopped is gone on from.

NothingKept   the operator: there is no earlier generation to go back to
RulesMoved    the operator: reporting was started with other programmes meanwhile; run it again with those
"""

from dataclasses import dataclass
from time import monotonic

from sqlalchemy.ext.asyncio import AsyncEngine

from schemas.programme import Programmes
from services.reporting.beginning import Begun, begin
from services.reporting.building import CHECKPOINT
from services.reporting.comparing import differences
from services.reporting.generation_build import Build, alone
from services.reporting.generations import (
    Generation,
    departs,
    ensure_generation,
    find_generation,
    fingerprint,
    reached,
    switch_to,
)
from services.reporting.half_built import read_put_right
from services.reporting.held import counted_again, held_apart, held_cases
from services.reporting.kept_generations import REBUILD, kept_generations, schema_of, sweep
from services.reporting.spreading import Progress

NEARLY_THERE = 5000
"""So few events are read while the live facts stand still."""


class NothingKept(Exception):
    """No rebuild has left an earlier generation behind."""

    def __init__(self) -> None:
        super().__init__("there is no earlier generation of the facts to go back to")


class RulesMoved(Exception):
    """What was built knows less than the facts that are live by now."""

    def __init__(self, live: int) -> None:
        super().__init__(
            f"reporting was started with other programmes while this was built, and keeps the live facts (generation "
            f"{live}) by those: run it again with the SPOORBOEK_PROGRAMMES of the reporting that runs"
        )


@dataclass(frozen=True)
class RebuildReport:
    """What a rebuild did. `differences` are sentences; with the same rules there must be none.

    Readers of the facts never wait for it; what is new in the ledgers waited `waited_seconds`, for the comparison.
    `held_apart` are the cases that were held before and are not now, or the other way round, or from another event on:
    the differences tell nothing of these. `counted_again` are those of the first kind. `held_cases` are not counted as
    far as they are held; `dropped_copies` were folded by other rules.
    """

    generation: int
    previous: int
    events: int
    positions: dict[str, int]
    rules_changed: bool
    differences: tuple[str, ...]
    waited_seconds: float
    held_apart: int
    counted_again: int
    held_cases: int
    dropped_copies: tuple[str, ...]


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
            begun = await begin(tx, live, programmes, REBUILD, "")
        await sweep(engine)
        build = Build(engine, programmes, progress, begun.number, checkpoint)
        while await build.follow(live.live) > NEARLY_THERE:
            pass
        await build.finish()
        report = await _compare_and_switch(engine, build, live, fingerprint(programmes), begun)
        await sweep(engine)
    return report


async def roll_back(engine: AsyncEngine) -> Generation:
    """Switch back to the generation before; its reader catches up from where it was left."""
    async with alone(engine), engine.begin() as tx:
        live = await find_generation(tx, update=True)
        if live is None or live.previous is None:
            raise NothingKept
        previous = (await kept_generations(tx))[live.previous]
        return await switch_to(tx, live.previous, live, previous.fingerprint)


async def _compare_and_switch(
    engine: AsyncEngine, build: Build, was: Generation, rules: str, begun: Begun
) -> RebuildReport:
    async with engine.begin() as tx:
        # From here the live generation stands still: its reader waits for us, as we do for the batches under way.
        since = monotonic()
        live = await find_generation(tx, update=True)
        if live is None or live.fingerprint not in (was.fingerprint, rules):
            raise RulesMoved(was.live)
        positions = await reached(tx, live.live)
        await build.up_to(positions)
        found = await differences(tx, live.live, build.number)
        put_right = await read_put_right(tx, schema_of(build.number))
        apart, again = [await count(tx, live.live, build.number) for count in (held_apart, counted_again)]
        held = await held_cases(tx, build.number)
        await switch_to(tx, build.number, live, rules)
        waited = monotonic() - since
    return RebuildReport(
        generation=build.number,
        previous=live.live,
        events=build.events,
        positions=positions,
        rules_changed=departs(was.fingerprint, rules),
        differences=(*found, *put_right),
        waited_seconds=waited,
        held_apart=apart,
        counted_again=again,
        held_cases=held,
        dropped_copies=begun.dropped,
    )
