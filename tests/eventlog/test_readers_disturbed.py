"""Several instances of one reader, and all that can come between: each event is taken once, in the order of its case.

Two deliveries and a watch share one follower as they do in a process, a second process has its own, a third pulls.
Meanwhile deliveries are cancelled, connections are ended, events cannot be taken and are tried again.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from random import Random
from time import monotonic

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from eventlog.bus_local import Pull, Wakes
from eventlog.delivery import deliver_for_sure
from eventlog.engine import make_engine
from eventlog.positions import Positions
from eventlog.postgres import PostgresLedger
from eventlog.quarantine import Quarantine
from eventlog.reader import Follower, LedgerSource
from eventlog.redrive import redrive
from eventlog.watch import BusWatch
from tests.eventlog.making import GEMEENTE, catch_up
from tests.eventlog.picky import LEDGER, Desk, Picky, Stepping, desk_at

SECONDS, LONGEST_SECONDS = 4.0, 60.0
STEPS = 20
CASES = "abcdef"
_END_SOME = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'spoorboek casework' AND random() < 0.2
"""


class Disturbed:
    """What goes on beside each other until the time is over; whatever it raises is tried again."""

    def __init__(self, desk: Desk, engines: list[AsyncEngine], kind: type[Picky], seed: int) -> None:
        self.kind = kind
        self.desk, self.random, self.end = desk, Random(seed), monotonic() + SECONDS
        self.poison: set[int] = set()
        self.followers = [self._follower(engine) for engine in engines]
        self.wakes = Wakes()

    def _follower(self, engine: AsyncEngine) -> Follower:
        source = LedgerSource(PostgresLedger(engine, "casework"))
        reader, quarantine = self.kind(poison=self.poison), Quarantine("casework")
        return Follower(reader, Positions(engine, "casework"), source, quarantine=quarantine)

    def goes_on(self) -> bool:
        """On a busy machine until enough steps were taken, too: few find the reader where they left it."""
        reader = self.followers[0].reader
        enough = not isinstance(reader, Stepping) or reader.steps > STEPS
        return monotonic() < self.end + (0 if enough else LONGEST_SECONDS)

    async def until_the_end(self, once: Callable[[], Awaitable[None]], most_seconds: float) -> None:
        while self.goes_on():
            with suppress(Exception):
                await once()
            await asyncio.sleep(self.random.random() * most_seconds)

    async def write(self) -> None:
        await self.desk.append("".join(self.random.choice(CASES) for _ in range(self.random.randint(1, 8))))
        self.wakes.wake("casework", GEMEENTE)

    async def deliver(self, follower: Follower) -> None:
        """From somewhat before or after where the reader is, as after a rebalance or with a gap."""
        reached = (await follower.positions.reached("picky")).get(str(LEDGER), 0)
        after = max(0, reached - self.random.randint(0, 5) + self.random.choice([0, 0, 0, 3]))
        if events := await follower.source.read(GEMEENTE, after, self.random.randint(1, 12)):
            delivering = asyncio.create_task(deliver_for_sure(follower, LEDGER, events))
            if self.random.random() < 0.15:
                await asyncio.sleep(self.random.random() * 0.01)
                delivering.cancel()
            with suppress(asyncio.CancelledError):
                await delivering

    async def try_again(self) -> None:
        if self.random.random() < 0.5:
            self.poison.clear()
        else:
            self.poison.update(self.random.sample(range(1, 1000), 20))
        # While anything is held no step is taken.
        for case in self.random.sample(CASES, 1) if self.kind is Picky else CASES:
            await redrive(self.random.choice(self.followers), LEDGER, case)

    async def settle(self) -> None:
        """Nothing disturbs any more: what is left is taken."""
        self.poison.clear()
        for _ in range(3):  # A connection that was ended is heard of when it is used.
            with suppress(Exception):
                await catch_up(self.followers[0], LEDGER)
        for case in CASES:
            while await self._left(case):
                with suppress(DBAPIError):
                    await redrive(self.followers[0], LEDGER, case)

    async def _left(self, case: str) -> bool:
        query = text("SELECT count(*) FROM casework.quarantine WHERE case_id = :case")
        async with self.desk.engine.connect() as connection:
            return bool((await connection.execute(query, {"case": case})).scalar_one())


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(database_url, isolation_level="AUTOCOMMIT")
    yield engine
    await engine.dispose()


@pytest.mark.parametrize("kind", [Picky, Stepping])
@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_comes_between_each_event_is_taken_once_and_in_order(
    database_url: str, owner: AsyncEngine, seed: int, kind: type[Picky]
) -> None:
    engines = [make_engine(database_url, "casework") for _ in range(3)]
    async with desk_at(database_url) as desk:
        with structlog.testing.capture_logs():
            run = Disturbed(desk, engines, kind, seed)
            one, other, pulled = run.followers
            pull, watch = Pull(pulled, run.wakes), BusWatch(one, 0.05)

            async def end_some() -> None:
                async with owner.connect() as connection:
                    await connection.execute(text(_END_SOME))

            if kind is Picky:
                pull.start()
            watch.start()
            # Where others move the reader all the time no step is taken.
            among_others = 0.01 if kind is Picky else 0.5
            await asyncio.gather(
                run.until_the_end(run.write, 0.02),
                *(run.until_the_end(lambda: run.deliver(one), 0.01) for _ in range(2)),
                run.until_the_end(lambda: run.deliver(other), among_others),
                run.until_the_end(run.try_again, 0.1),
                run.until_the_end(end_some, 0.2),
            )
            await watch.stop()
            await pull.stop()
            before = sum(map(len, (await desk.told()).values()))
            await run.settle()
        taken = await desk.told()
        assert taken == await _of_each_case(one)
        assert before > 20, "nothing was taken while it was disturbed"
        assert await desk.held() == {}
        assert not isinstance(one.reader, Stepping) or one.reader.steps > STEPS
    for engine in engines:
        await engine.dispose()


async def _of_each_case(follower: Follower) -> dict[str, list[int]]:
    cases: dict[str, list[int]] = {}
    position = 0
    while events := await follower.source.read(GEMEENTE, position):
        for event in events:
            cases.setdefault(event.case, []).append(event.position)
        position = events[-1].position
    return cases
