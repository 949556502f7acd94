"""What an operator runs beside the services: verify the ledgers, build the facts anew."""

from collections.abc import Sequence
from functools import partial

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.status import Status

from eventlog.engine import make_engine
from eventlog.errors import BrokenLedger
from eventlog.ledger import SERVICES, LedgerId
from eventlog.postgres import PostgresLedger
from eventlog.verification import verify as verify_ledger
from schemas.programme import Programmes
from services.reporting.copies import Until, build_copy, list_copies, remove_copy
from services.reporting.rebuild import rebuild, roll_back, rules_have_changed
from services.runtime import Settings


async def verify(settings: Settings, console: Console) -> None:
    """Every ledger of every service; raises BrokenLedger, which names each that does not hold."""
    ledgers, broken = 0, list[BrokenLedger]()
    for service in SERVICES:
        engine = make_engine(settings.database_url, service)
        try:
            ledger = PostgresLedger(engine, service)
            async with ledger.asking() as tx:
                ends = await ledger.ends(tx)  # Before the heads: what is appended in between is in these too.
                sizes = await ledger.sizes(tx)
            for gemeente in sorted(ends | sizes):
                ledgers += 1
                try:
                    await _verify_ledger(ledger, gemeente, ends.get(gemeente, 0), sizes.get(gemeente, 0), console)
                except BrokenLedger as error:
                    broken.append(error)
        finally:
            await engine.dispose()
    if broken:
        raise BrokenLedger("\n".join(map(str, broken)))
    if not ledgers:
        _say(console, "There are no ledgers: nothing was ever recorded in this database.")


async def _verify_ledger(ledger: PostgresLedger, gemeente: str, end: int, size: int, console: Console) -> None:
    name = f"{ledger.service}/{gemeente}"
    if end > size:
        raise BrokenLedger(
            f"{name}/{end} is stored past the end of its ledger, whose head counts {size} events: it was not appended, "
            "or the head was taken away"
        )
    with console.status("") as status:
        verified = await verify_ledger(ledger, gemeente, partial(_show, status, name))
    _say(console, f"{name}: {verified.size} events, root {verified.root.hex()}")


async def replay(settings: Settings, console: Console) -> None:
    """Build the facts anew beside the live ones from casework's ledgers, compare, and switch."""
    engine = make_engine(settings.database_url, "reporting")
    try:
        with LedgerBars(console) as bars:
            report = await rebuild(engine, Programmes.load(*settings.programmes), bars.show)
    finally:
        await engine.dispose()
    _say(console, f"{report.events} events read; generation {report.generation} is live, {report.previous} is kept.")
    _say(console, f"New events waited {report.waited_seconds:.1f} s for the comparison.")
    if report.counted_again:
        _say(console, f"Held before, and counted now: {_cases(report.counted_again)}.")
    if not report.differences:
        _say(console, f"Every {'other ' * (report.held_apart > 0)}row is as it was.")
    elif report.rules_changed:
        _say(console, "The rules have changed, and with them:")
    else:
        _say(console, "The rules are the same, yet these rows were not what the ledger says; now they are:")
    for difference in report.differences:
        _say(console, difference)
    _say_left_out(console, report.held_cases, report.dropped_copies)


async def replay_until(settings: Settings, console: Console, until: Until) -> None:
    """Build a copy of the facts as known then; the live ones are left alone."""
    engine = make_engine(settings.database_url, "reporting")
    try:
        with LedgerBars(console) as bars:
            report = await build_copy(engine, Programmes.load(*settings.programmes), until, bars.show)
    finally:
        await engine.dispose()
    _say(console, f"The facts as known {until.name} are there: ask for ?asKnownOn={until.name} (API)")
    _say(console, f"or ?bekend-op={until.name} (pages).")
    _say_left_out(console, report.held_cases, report.dropped_copies)


def _say_left_out(console: Console, held_cases: int, dropped_copies: Sequence[str]) -> None:
    if held_cases:
        _say(
            console,
            f"Held, and not counted from there on: {_cases(held_cases)}; `spoorboek quarantine list` names them.",
        )
    if dropped_copies:
        names = ", ".join(dropped_copies)
        _say(console, f"Dropped, as they were counted by other rules: the copies as known {names}. Make them anew.")


def _cases(count: int) -> str:
    return "1 case" if count == 1 else f"{count} cases"


async def say_copies(settings: Settings, console: Console) -> None:
    engine = make_engine(settings.database_url, "reporting")
    try:
        async with engine.connect() as connection:
            copies = await list_copies(connection)
    finally:
        await engine.dispose()
    for copy in copies:
        half = "" if copy.finished else " (half-built: `spoorboek replay --until` of the same goes on with it)"
        _say(console, f"as known {copy.known_on}{half}")
    if not copies:
        _say(console, "No copies are kept.")


async def forget_copy(settings: Settings, console: Console, known_on: str) -> None:
    engine = make_engine(settings.database_url, "reporting")
    try:
        await remove_copy(engine, known_on)
    finally:
        await engine.dispose()
    _say(console, f"The copy as known {known_on} is gone.")


async def replay_rollback(settings: Settings, console: Console) -> None:
    """Go back to the generation before the last rebuild; reporting reads on from where that one was left."""
    engine = make_engine(settings.database_url, "reporting")
    try:
        live = await roll_back(engine)
        stale = await rules_have_changed(engine, Programmes.load(*settings.programmes))
    finally:
        await engine.dispose()
    _say(console, f"Generation {live.live} is live again, {live.previous} is kept.")
    if stale:
        _say(console, "It was folded by other rules than this version has: start the version that made it.")


async def keep_facts_current(settings: Settings, console: Console) -> None:
    """Build the facts anew where this version counts by other rules than the one that ran before."""
    engine = make_engine(settings.database_url, "reporting")
    try:
        stale = await rules_have_changed(engine, Programmes.load(*settings.programmes))
    finally:
        await engine.dispose()
    if stale:
        await replay(settings, console)


class LedgerBars:
    """A bar per ledger with an estimate of the time left; a build that goes on begins where it was."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console, transient=True)
        self._tasks: dict[LedgerId, TaskID] = {}

    def __enter__(self) -> "LedgerBars":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, ledger: LedgerId, done: int, to_do: int) -> None:
        if ledger not in self._tasks:
            self._tasks[ledger] = self._progress.add_task(str(ledger))
        self._progress.update(self._tasks[ledger], completed=done, total=to_do)


def _show(status: Status, name: str, count: int) -> None:
    status.update(f"{name}: {count} events")


def _say(console: Console, sentence: str) -> None:
    console.print(sentence, highlight=False, soft_wrap=True)
