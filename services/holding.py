"""What the readers hold in quarantine, for the operator: which cases, why, and to try them again."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from rich.console import Console
from sqlalchemy import func, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from eventlog.engine import make_engine
from eventlog.ledger import SERVICES, LedgerId
from eventlog.quarantine import QUARANTINED, WAITING, Quarantine
from eventlog.reader import Follower
from eventlog.redrive import redrive
from services.process import Process
from services.reporting.generations import find_generation
from services.reporting.kept_generations import reader_name
from services.runtime import Settings

AT_ONCE = 500


class NotHeld(LookupError):
    """No reader holds such a case."""


class HeldCase(NamedTuple):
    """A case in quarantine: its first event that could not be taken, why, and how many wait behind it."""

    service: str
    reader: str
    ledger: str
    position: int
    case_id: str
    type: str
    reason: str
    held_at: datetime
    waiting: int


async def held_cases(engine: AsyncEngine, service: str, after: HeldCase | None = None) -> list[HeldCase]:
    """The next cases that readers of `service` hold, in the order of reader, ledger and position."""
    bad = Quarantine(service).table
    behind = bad.alias("behind")
    waiting = (
        select(func.count())
        .where(
            behind.c.reader == bad.c.reader,
            behind.c.ledger == bad.c.ledger,
            behind.c.case_id == bad.c.case_id,
            behind.c.status == WAITING,
        )
        .scalar_subquery()
    )
    columns = (bad.c.reader, bad.c.ledger, bad.c.position, bad.c.case_id, bad.c.type, bad.c.reason, bad.c.held_at)
    key = tuple_(bad.c.reader, bad.c.ledger, bad.c.position)
    query = select(*columns, waiting).where(bad.c.status == QUARANTINED).order_by(*key).limit(AT_ONCE)
    if after is not None:
        query = query.where(key > tuple_(literal(after.reader), literal(after.ledger), literal(after.position)))
    async with engine.connect() as connection:
        return [HeldCase(service, *row) for row in await connection.execute(query)]


async def every_held_case(engine: AsyncEngine, service: str) -> AsyncIterator[HeldCase]:
    """All of them, AT_ONCE at a time: a reader with a defect may hold very many."""
    last: HeldCase | None = None
    while cases := await held_cases(engine, service, last):
        for held in cases:
            yield held
        last = cases[-1]


async def list_quarantine(settings: Settings, services: Sequence[str], console: Console) -> None:
    """One line per case; a generation of the facts that is kept or was copied holds its own, and nobody reads it."""
    count = 0
    for service in services:
        engine = make_engine(settings.database_url, service)
        try:
            live = await _live_facts(engine) if service == "reporting" else None
            async for held in every_held_case(engine, service):
                count += 1
                line = f"{service} {held.reader} {held.ledger}/{held.position} case {held.case_id}"
                if live not in (None, held.reader):
                    line += f" (not live: that is {live})"
                _say(console, f"{line}, {held.waiting} waiting since {held.held_at:%Y-%m-%d %H:%M}: {held.reason}")
        finally:
            await engine.dispose()
    if not count:
        _say(console, "Nothing is in quarantine.")


async def _live_facts(engine: AsyncEngine) -> str | None:
    async with engine.connect() as connection:
        live = await find_generation(connection)
    return None if live is None else reader_name(live.live)


async def show_quarantine(settings: Settings, ledger: str, position: int, console: Console) -> None:
    """Who holds the event, why, and which wait behind it; never what is in it."""
    found = False
    for service in SERVICES:
        engine = make_engine(settings.database_url, service)
        table = Quarantine(service).table
        try:
            async with engine.connect() as connection:
                at = (table.c.ledger == ledger, table.c.position == position)
                for row in await connection.execute(select(table).where(*at)):
                    found = True
                    same = (table.c.reader == row.reader, table.c.ledger == ledger, table.c.case_id == row.case_id)
                    query = select(table.c.position, func.count().over()).where(*same)
                    held = (await connection.execute(query.order_by(table.c.position).limit(AT_ONCE))).all()
                    positions = ", ".join(str(one) for one, _ in held)
                    if more := max((count for _, count in held), default=0) - len(held):
                        positions += f" and {more} more"
                    _say(console, f"reader    {row.reader} of {service}")
                    _say(console, f"event     {ledger}/{position}, {row.type}")
                    _say(console, f"status    {row.status} since {row.held_at:%Y-%m-%d %H:%M:%S %Z}")
                    _say(console, f"reason    {row.reason or 'an earlier event of the case is quarantined'}")
                    _say(console, f"case      {row.case_id}; held of it: {positions}")
        finally:
            await engine.dispose()
    if not found:
        _say(console, f"{ledger}/{position} is not in quarantine.")


async def redrive_quarantine(settings: Settings, services: Sequence[str], case: str | None, console: Console) -> int:
    """Try again what the services' readers hold; the number of cases that still cannot be taken.

    Raises NotHeld where none of them holds `case`.
    """
    left, tried = 0, set[tuple[str, str, str, str]]()
    for service in services:
        async with _followers(settings, service) as (engine, followers):
            by_name = {follower.reader.name: follower for follower in followers}
            async for held in every_held_case(engine, service):
                # A case that went part of the way is held again at a later position: once is enough.
                about = (service, held.reader, held.ledger, held.case_id)
                if (case is not None and held.case_id != case) or held.reader not in by_name or about in tried:
                    continue
                tried.add(about)
                done = await redrive(by_name[held.reader], _ledger(held.ledger), held.case_id)
                line = f"{service} {held.reader} {held.ledger} case {held.case_id}: {done.taken} taken"
                if done.stopped_at is not None:
                    left += 1
                    line += f", stopped at {done.stopped_at}: {done.reason}"
                _say(console, line)
    if not tried and case is not None:
        raise NotHeld(f"no reader holds case {case}: `spoorboek quarantine list` names those that are held")
    if not tried:
        _say(console, "Nothing to try again.")
    return left


@asynccontextmanager
async def _followers(settings: Settings, service: str) -> AsyncIterator[tuple[AsyncEngine, list[Follower]]]:
    """The followers of `service` that have a quarantine, put together as its process does, without a bus.

    Where the other services run elsewhere they are asked over HTTP, and the service can be made alone.
    """
    names = (service,) if settings.peers else SERVICES
    process = Process(replace(settings, kafka=None), names)
    try:
        if join := process.services[service].join:
            await join()
        yield (
            process.parts[service].engine,
            [
                follower
                for follower in process.followers
                if follower.quarantine is not None and follower.quarantine.service == service
            ],
        )
    finally:
        await process.stop()


def _ledger(name: str) -> LedgerId:
    service, gemeente = name.split("/", 1)
    return LedgerId(service, gemeente)


def _say(console: Console, sentence: str) -> None:
    console.print(sentence, highlight=False, soft_wrap=True, markup=False)
