"""A step in one statement is taken where nobody touched the reader's row, and does nothing where somebody did."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from asyncpg import PostgresError
from sqlalchemy import text

from eventlog.errors import Gap, UnreadableRecord
from eventlog.reader import Follower
from eventlog.redrive import redrive
from eventlog.step import Left
from tests.eventlog.making import GEMEENTE
from tests.eventlog.picky import BAD, LEDGER, Desk, Stepping
from tests.parts.waiting import end_who_waits, until_waiting


@pytest.fixture
def stepping(desk: Desk) -> Stepping:
    desk.reader = reader = Stepping()
    return reader


async def deliver(follower: Follower, first: int, last: int) -> None:
    await follower.deliver(LEDGER, (await follower.source.read(GEMEENTE, first - 1))[: last - first + 1])


async def position(desk: Desk) -> int:
    return (await desk.follower().positions.reached("picky"))[str(LEDGER)]


async def test_only_the_first_batch_is_locked_for(desk: Desk, stepping: Stepping) -> None:
    await desk.append("aabab")
    follower = desk.follower()
    for at in range(1, 6):
        await deliver(follower, at, at)
    assert (stepping.steps, stepping.batches) == (4, [1])
    assert (await desk.told(), await position(desk)) == ({"a": [1, 2, 4], "b": [3, 5]}, 5)


async def test_what_comes_again_or_with_a_gap_takes_no_step(desk: Desk, stepping: Stepping) -> None:
    await desk.append("aaaaa")
    follower = desk.follower()
    await deliver(follower, 1, 2)
    await deliver(follower, 1, 2)
    await deliver(follower, 2, 3)
    with pytest.raises(Gap):
        await deliver(follower, 5, 5)
    assert await desk.told() == {"a": [1, 2, 3]}


async def test_whoever_moved_the_reader_is_gone_on_from(desk: Desk, stepping: Stepping) -> None:
    await desk.append("aaaaaa")
    one, other = desk.follower(), desk.follower(Stepping())
    await deliver(one, 1, 1)
    await deliver(other, 2, 2)
    await deliver(one, 2, 3)
    await deliver(other, 3, 4)
    await deliver(one, 5, 5)
    assert await desk.told() == {"a": [1, 2, 3, 4, 5]}


def moved_on(desk: Desk) -> Callable[[], Awaitable[None]]:
    async def twin() -> None:
        await deliver(desk.follower(Stepping()), 2, 2)

    return twin


async def put_back(desk: Desk, effect: str) -> None:
    async with desk.engine.begin() as tx:
        await tx.execute(text("UPDATE casework.readers SET position = 0"))
        await tx.execute(text(effect))


def put_back_and_taken_again(desk: Desk) -> Callable[[], Awaitable[None]]:
    """The position is as it was left; what was taken is not."""

    async def restored() -> None:
        await put_back(desk, "UPDATE public.told SET positions = '{-1}'")
        await deliver(desk.follower(Stepping()), 1, 1)

    return restored


def held_and_tried_again(desk: Desk) -> Callable[[], Awaitable[None]]:
    async def redriven() -> None:
        await put_back(desk, "DELETE FROM public.told")
        poisoned = desk.follower(Stepping(poison={1}))
        await deliver(poisoned, 1, 1)
        assert isinstance(poisoned.reader, Stepping)
        poisoned.reader.poison.clear()
        assert (await redrive(poisoned, LEDGER, "a")).taken == 1

    return redriven


@pytest.mark.parametrize(
    ("between", "told"),
    [
        (moved_on, {"a": [1, 2, 3]}),
        (put_back_and_taken_again, {"a": [-1, 1, 2, 3]}),
        (held_and_tried_again, {"a": [1, 2, 3]}),
    ],
)
async def test_what_was_looked_up_counts_only_if_nobody_came_in_between(
    desk: Desk,
    stepping: Stepping,
    between: Callable[[Desk], Callable[[], Awaitable[None]]],
    told: dict[str, list[int]],
) -> None:
    await desk.append("aaa")
    follower = desk.follower()
    await deliver(follower, 1, 1)
    stepping.looked_up = between(desk)
    await deliver(follower, 2, 2)
    assert stepping.steps == 0
    stepping.looked_up = None
    await deliver(follower, 2, 3)
    assert (await desk.told(), await desk.held(), await position(desk)) == (told, {}, 3)


async def test_what_cannot_be_taken_is_held_and_no_step_is_tried_while_it_is(desk: Desk, stepping: Stepping) -> None:
    await desk.append("abab")
    follower = desk.follower()
    stepping.poison = {2}
    await deliver(follower, 1, 1)
    await deliver(follower, 2, 2)
    await deliver(follower, 3, 3)
    tried = asyncio.Event()

    async def try_one() -> None:
        tried.set()

    stepping.looked_up = try_one
    await deliver(follower, 4, 4)
    assert (await desk.held(), await desk.told()) == ({2: BAD.format(2), 4: "waiting"}, {"a": [1, 3]})
    assert not tried.is_set()


async def test_a_step_whose_connection_breaks_is_taken_again_or_not_as_the_row_says(
    desk: Desk, stepping: Stepping, database_url: str
) -> None:
    await desk.append("aaaa")
    follower = desk.follower()
    await deliver(follower, 1, 2)
    async with desk.engine.begin() as held:
        await held.execute(text("SELECT FROM casework.readers FOR UPDATE"))
        delivering = asyncio.create_task(deliver(follower, 3, 3))
        await end_who_waits(database_url)
        with pytest.raises(PostgresError):
            await delivering
    await deliver(follower, 3, 4)
    assert (await desk.told(), await position(desk)) == ({"a": [1, 2, 3, 4]}, 4)


async def test_a_step_that_is_cancelled_while_it_waits_is_taken_once_all_the_same(
    desk: Desk, stepping: Stepping
) -> None:
    await desk.append("aaaa")
    follower = desk.follower()
    await deliver(follower, 1, 2)
    async with desk.engine.begin() as held:
        await held.execute(text("SELECT FROM casework.readers FOR UPDATE"))
        delivering = asyncio.create_task(deliver(follower, 3, 3))
        await until_waiting(desk.engine)
        delivering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await delivering
    await deliver(follower, 3, 4)
    assert (await desk.told(), await position(desk)) == ({"a": [1, 2, 3, 4]}, 4)


async def test_a_record_that_cannot_be_read_leaves_the_step_undone(desk: Desk, stepping: Stepping) -> None:
    await desk.append("aaa")
    follower = desk.follower()
    follower.quarantine = None
    await deliver(follower, 1, 1)
    stepping.poison = {3}
    with pytest.raises(UnreadableRecord):
        await deliver(follower, 2, 3)
    assert (await desk.told(), await position(desk)) == ({"a": [1]}, 1)


def test_steps_are_tried_ever_more_seldom_up_to_one_batch_in_64() -> None:
    tried = [batches for batches in range(200) if Left(7, 1, no_step=batches).is_worth_a_step]
    assert tried == [0, 1, 2, 4, 8, 16, 32, 64, 128, 192]
    assert not Left(7, 1, held=True).is_worth_a_step
