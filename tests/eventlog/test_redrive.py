"""A redrive decodes anew what was held and keeps its order, whatever comes meanwhile."""

import asyncio
from collections.abc import Sequence
from itertools import count

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from eventlog.errors import BrokenLedger, Gap
from eventlog.ledger import LedgerId, Recorded
from eventlog.redrive import Redriven, redrive
from tests.eventlog.making import catch_up
from tests.eventlog.picky import BAD, LEDGER, Desk, Halting, Picky


async def test_a_redrive_takes_what_was_held_in_its_order(desk: Desk) -> None:
    await desk.append("ababab")
    desk.reader.poison = {2}
    follower = desk.follower()
    await catch_up(follower, LEDGER)
    assert await redrive(follower, LEDGER, "b") == Redriven(0, 2, "casework/GM0984/2: cannot be read")
    assert await desk.held() == {2: BAD.format(2), 4: "waiting", 6: "waiting"}
    desk.reader.poison = set()
    assert await redrive(follower, LEDGER, "b") == Redriven(3)
    assert await desk.told() == {"a": [1, 3, 5], "b": [2, 4, 6]}
    assert await desk.held() == {}
    desk.reader.batches.clear()
    await desk.append("b")
    await catch_up(follower, LEDGER)
    assert (await desk.told())["b"] == [2, 4, 6, 7]


async def test_a_redrive_goes_as_far_as_it_can(desk: Desk) -> None:
    await desk.append("bbbbb")
    desk.reader.poison = {1, 4}
    follower = desk.follower()
    await catch_up(follower, LEDGER)
    desk.reader.poison = {4}
    assert await redrive(follower, LEDGER, "b") == Redriven(3, 4, "casework/GM0984/4: cannot be read")
    assert await desk.told() == {"b": [1, 2, 3]}
    assert await desk.held() == {4: BAD.format(4), 5: "waiting"}


async def test_what_the_operator_is_told_is_durable(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of a reader that does not wait for the disk: its events would be held again, and nobody would know."""
    execute, said = asyncpg.Connection.execute, list[str]()

    class Quick(Picky):
        async def handle(self, tx: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> None:
            await tx.execute(text("SET LOCAL synchronous_commit = off"))
            await super().handle(tx, ledger, events)

    async def asks_first(self: asyncpg.Connection, query: str, *args: object) -> str:
        if query == "COMMIT":
            said.append(await self.fetchval("SHOW synchronous_commit"))
        return str(await execute(self, query, *args))

    await desk.append("b")
    follower = desk.follower(Quick(poison={1}))
    await catch_up(follower, LEDGER)
    monkeypatch.setattr(asyncpg.Connection, "execute", asks_first)
    follower.reader.poison = set()  # type: ignore[attr-defined]
    assert await redrive(follower, LEDGER, "b") == Redriven(1)
    assert said == ["on"]


async def test_two_instances_and_a_redrive_at_once_keep_the_order(desk: Desk) -> None:
    """Each instance takes every batch; now and then what is held is tried again, which fails until it is mended."""
    await desk.append("abc" * 40)
    desk.reader.poison = {2}
    one, other = desk.follower(), desk.follower()
    events = await one.source.read("GM0984", 0)

    async def deliver_all(follower: object) -> None:
        assert follower in (one, other)
        for start in range(0, 120, 7):
            try:
                await (one if follower is one else other).deliver(LEDGER, events[start : start + 7])
            except Gap:
                await catch_up(one, LEDGER)

    async def redrive_now_and_then() -> None:
        for turn in range(10):
            await asyncio.sleep(0.02)
            if turn == 5:
                desk.reader.poison = set()
            await redrive(other, LEDGER, "b")

    await asyncio.gather(deliver_all(one), deliver_all(other), redrive_now_and_then())
    await redrive(one, LEDGER, "b")
    assert await desk.told() == {case: list(range(first, 121, 3)) for first, case in enumerate("abc", start=1)}
    assert await desk.held() == {}


async def test_what_comes_during_a_redrive_waits_for_its_end(desk: Desk) -> None:
    await desk.append("abb")
    desk.reader.poison = {2}
    await catch_up(desk.follower(), LEDGER)
    await desk.append("b")
    mended = desk.follower(Halting())
    assert isinstance(mended.reader, Halting)
    redriving = asyncio.create_task(redrive(mended, LEDGER, "b"))
    await mended.reader.reached.wait()
    delivering = asyncio.create_task(catch_up(desk.follower(), LEDGER))
    await asyncio.sleep(0.1)
    assert not delivering.done()
    mended.reader.go_on.set()
    assert (await redriving, await delivering) == (Redriven(2), 4)
    assert (await desk.told(), await desk.held()) == ({"a": [1], "b": [2, 3, 4]}, {})


async def test_the_operator_hears_of_an_event_that_its_ledger_does_not_have(desk: Desk) -> None:
    await desk.append("ab")
    desk.reader.poison = {2}
    follower = desk.follower()
    await catch_up(follower, LEDGER)
    follower.source.read = _nothing  # type: ignore[method-assign, assignment]
    with pytest.raises(BrokenLedger, match="casework/GM0984/2 is held in quarantine, but its ledger does not have it"):
        await redrive(follower, LEDGER, "b")


async def _nothing(*_: object) -> list[Recorded]:
    return []


_gemeenten = count(1000)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cases=st.text(alphabet="abcd-", min_size=1, max_size=25),
    poisoned=st.sets(st.integers(1, 25), max_size=6),
    mended_first=st.sets(st.integers(1, 25)),
    batch=st.integers(1, 9),
)
async def test_after_redrive_everything_is_as_if_nothing_had_been_wrong(
    desk: Desk, cases: str, poisoned: set[int], mended_first: set[int], batch: int
) -> None:
    gemeente = f"GM{next(_gemeenten)}"
    ledger = LedgerId("casework", gemeente)
    reader = Picky(set(poisoned))
    follower = desk.follower(reader)
    half = len(cases) // 2
    for part in (cases[:half], cases[half:]):
        if part:
            await desk.append(part, gemeente)
        for start in range(0, len(cases), batch):
            await follower.deliver(ledger, await follower.source.read(gemeente, start, batch))
        for case in set(cases) | {f"s{number}" for number in range(1, 26)}:
            await redrive(follower, ledger, case)
        reader.poison -= mended_first
    reader.poison = set()
    expected: dict[str, list[int]] = {}
    for position, case in enumerate(cases, start=1):
        expected.setdefault(case if case != "-" else f"s{position}", []).append(position)
    for case in expected:
        await redrive(follower, ledger, case)
    assert await desk.told(gemeente) == expected
    assert await desk.held() == {}
