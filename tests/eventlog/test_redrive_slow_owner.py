"""The owner of a ledger takes its time: a redrive reads before it locks, and asks for no more than it needs."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from eventlog.ledger import Recorded
from eventlog.reader import READ_AT_ONCE, Follower
from eventlog.redrive import Redriven, redrive
from tests.eventlog.making import catch_up
from tests.eventlog.picky import LEDGER, Desk, desk_at

LEFT = "what was held before it is taken, and this is not tried yet: redrive the case again"


def watch_reads(follower: Follower, before: Callable[[], Awaitable[None]]) -> list[tuple[int, int]]:
    """(after, limit) of each read to come; `before` each of them is waited for."""
    asked: list[tuple[int, int]] = []
    read = follower.source.read

    async def slow(gemeente: str, after: int, limit: int = READ_AT_ONCE) -> list[Recorded]:
        asked.append((after, limit))
        await before()
        return await read(gemeente, after, limit)

    follower.source.read = slow  # type: ignore[method-assign]
    return asked


async def held_at_the_first(desk: Desk, cases: str) -> Follower:
    await desk.append(cases)
    desk.reader.poison = {cases.index("b") + 1}
    follower = desk.follower()
    await catch_up(follower, LEDGER)
    desk.reader.poison = set()
    return follower


async def test_an_owner_that_takes_longer_than_a_transaction_may_idle_is_waited_for(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventlog.engine._FROZEN_SECONDS", 1)
    async with desk_at(database_url) as desk:
        follower = await held_at_the_first(desk, "bab")
        watch_reads(follower, lambda: asyncio.sleep(1.5))
        assert await redrive(follower, LEDGER, "b") == Redriven(2)
        assert await desk.told() == {"a": [2], "b": [1, 3]}


async def test_nothing_is_read_that_is_not_held(desk: Desk) -> None:
    follower = await held_at_the_first(desk, "abbbaabab")
    asked = watch_reads(follower, lambda: asyncio.sleep(0))
    assert await redrive(follower, LEDGER, "b") == Redriven(5)
    assert asked == [(1, 3), (6, 1), (8, 1)]


async def test_while_the_owner_is_asked_the_reader_goes_on(desk: Desk) -> None:
    """What comes of the case meanwhile is held behind, and taken by the same redrive."""
    follower = await held_at_the_first(desk, "ab")

    async def deliver() -> None:
        await desk.append("ab")
        async with asyncio.timeout(5):
            await catch_up(desk.follower(), LEDGER)

    watch_reads(follower, deliver_once(deliver))
    assert await redrive(follower, LEDGER, "b") == Redriven(2)
    assert (await desk.told(), await desk.held()) == ({"a": [1, 3], "b": [2, 4]}, {})


async def test_what_another_redrive_took_meanwhile_is_not_taken_again(desk: Desk) -> None:
    follower = await held_at_the_first(desk, "abb")

    async def redrive_beside() -> None:
        async with asyncio.timeout(5):
            assert await redrive(desk.follower(), LEDGER, "b") == Redriven(2)

    watch_reads(follower, deliver_once(redrive_beside))
    assert await redrive(follower, LEDGER, "b") == Redriven(0)
    assert (await desk.told(), await desk.held()) == ({"a": [1], "b": [2, 3]}, {})


def deliver_once(work: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    left = [work]

    async def once() -> None:
        if left:
            await left.pop()()

    return once


async def test_a_case_with_more_than_is_read_at_once_stays_held_between_two_parts(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes between two parts waits behind the rest, and so does a redrive that ended there."""
    monkeypatch.setattr("eventlog.redrive.READ_AT_ONCE", 2)
    follower = await held_at_the_first(desk, "bbbbb")
    parts = 0

    async def deliver() -> None:
        nonlocal parts
        parts += 1
        if parts == 2:
            await desk.append("b")
            async with asyncio.timeout(5):
                await catch_up(desk.follower(), LEDGER)
            raise InterruptedError("killed between two parts")

    watch_reads(follower, deliver)
    with pytest.raises(InterruptedError):
        await redrive(follower, LEDGER, "b")
    assert await desk.told() == {"b": [1, 2]}
    assert await desk.held() == {3: f"quarantined {LEFT}", 4: "waiting", 5: "waiting", 6: "waiting"}
    assert await redrive(desk.follower(), LEDGER, "b") == Redriven(4)
    assert (await desk.told(), await desk.held()) == ({"b": [1, 2, 3, 4, 5, 6]}, {})
