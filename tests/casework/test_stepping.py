"""Casework's answers and its move in one statement: once, also where two instances decide at the same time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventlog.delivery import deliver_for_sure
from eventlog.engine import make_engine
from eventlog.ledger import Append, LedgerId, Recorded
from eventlog.positions import Positions
from eventlog.postgres import PostgresLedger
from eventlog.reader import Follower, LedgerSource
from eventlog.step import Step
from eventlog.verification import verify
from schemas.programme import PUBLISHED, Programmes
from services.casework.reactions import Casework
from tests.casework.test_reactions import LIFE, VENRAY, Desk

INTAKE = LedgerId("intake", VENRAY)


class Stepping(PostgresLedger):
    """Counts the steps that were taken."""

    steps = 0

    async def append_with(self, connection: AsyncConnection, step: Step, appends: Sequence[Append]) -> int | None:
        written_by = await super().append_with(connection, step, appends)
        self.steps += written_by is not None
        return written_by


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(database_url, "casework")
    yield engine
    await engine.dispose()


def instance(engine: AsyncEngine, desk: Desk, ledger: PostgresLedger) -> Follower:
    reader = Casework(ledger, Programmes.load(PUBLISHED))
    return Follower(reader, Positions(engine, "casework"), LedgerSource(desk.intake))


async def history(ledger: PostgresLedger) -> list[Recorded]:
    async with ledger.asking() as connection:
        return await ledger.read(connection, VENRAY, 0)


def essence(events: Sequence[Recorded]) -> list[tuple[Any, ...]]:
    return [(one.position, one.stream, one.version, one.type, one.causation, one.data) for one in events]


async def test_one_by_one_in_steps_is_what_one_batch_records(engine: AsyncEngine) -> None:
    desk, ledger = Desk(), Stepping(engine, "casework")
    events = [*await desk.accept(*LIFE), await desk.reject(), *await desk.accept(*LIFE)]
    follower = instance(engine, desk, ledger)
    for event in events:
        await follower.deliver(INTAKE, [event])
    await desk.react(events)
    assert essence(await history(ledger)) == essence(await desk.history())
    assert ledger.steps == len(events) - 1
    assert (await verify(ledger, VENRAY)).size == len(await desk.history())


async def test_two_instances_answer_each_submission_once(engine: AsyncEngine) -> None:
    desk, ledgers = Desk(), [Stepping(engine, "casework") for _ in range(2)]
    events = [event for _ in range(12) for event in await desk.accept(*LIFE)]
    one, other = (instance(engine, desk, ledger) for ledger in ledgers)
    for event in events:
        # Now and then by both at once; else each has a while by itself, in which it takes steps.
        if event.position % 5 == 0:
            await asyncio.gather(*(deliver_for_sure(each, INTAKE, [event]) for each in (one, other)))
        else:
            await deliver_for_sure((one, other)[event.position // 10 % 2], INTAKE, [event])
    await desk.react(events)
    assert essence(await history(ledgers[0])) == essence(await desk.history())
    assert all(ledger.steps > 10 for ledger in ledgers)


async def test_what_the_other_instance_wrote_after_this_one_looked_undoes_the_step(engine: AsyncEngine) -> None:
    desk, ledger, others = Desk(), Stepping(engine, "casework"), PostgresLedger(engine, "casework")
    events = await desk.accept(*LIFE)
    one, other = instance(engine, desk, ledger), instance(engine, desk, others)
    await one.deliver(INTAKE, events[:1])
    read_streams = ledger.read_streams

    async def overtaken(*asked: Any) -> dict[str, list[Recorded]]:
        found = await read_streams(*asked)
        ledger.read_streams = read_streams  # type: ignore[method-assign]
        await other.deliver(INTAKE, events[1:2])
        return found

    ledger.read_streams = overtaken  # type: ignore[method-assign, assignment]
    await deliver_for_sure(one, INTAKE, events[1:])
    await desk.react(events)
    assert ledger.steps == 0
    assert essence(await history(ledger)) == essence(await desk.history())
