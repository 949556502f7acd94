"""What is counted against a machine, and what against the fault that befell it."""

import asyncio

import pytest

from tests.faults.keeping import Keeper


class Pretended:
    """A machine that is ready as soon as somebody asks, and says so late."""

    def __init__(self) -> None:
        self.up = False
        self.asked, self.answers = asyncio.Event(), asyncio.Event()

    def start(self) -> None:
        self.up = True

    def runs(self) -> bool:
        return self.up

    def kill(self) -> None:
        self.up = False

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    async def is_ready(self) -> bool:
        self.asked.set()
        await self.answers.wait()
        return True

    def last_words(self) -> str:
        return "a sentence"


@pytest.fixture
def machine() -> Pretended:
    return Pretended()


@pytest.fixture
def keeper(machine: Pretended) -> Keeper:
    return Keeper("pretended", machine)


async def test_who_is_killed_while_it_says_that_it_is_ready_did_not_end_by_itself(
    keeper: Keeper, machine: Pretended
) -> None:
    keeper.start()
    async with asyncio.timeout(5):
        await machine.asked.wait()
        assert keeper.kill(0.0)
        machine.answers.set()
        while not keeper.tally.back_seconds:
            await asyncio.sleep(0.01)
    await keeper.stop()
    assert keeper.tally.ended_by_itself == []


async def test_what_nobody_killed_ended_by_itself_and_is_started_again(keeper: Keeper, machine: Pretended) -> None:
    machine.answers.set()
    keeper.start()
    async with asyncio.timeout(5):
        await keeper.ready.wait()
        machine.up = False
        while not machine.up:
            await asyncio.sleep(0.01)
    await keeper.stop()
    assert keeper.tally.ended_by_itself == ["a sentence"]
    assert keeper.tally.back_seconds == []


async def test_who_has_not_been_at_work_for_long_enough_is_spared(keeper: Keeper, machine: Pretended) -> None:
    keeper.start()
    async with asyncio.timeout(5):
        await machine.asked.wait()
        assert not keeper.kill(0.0, 0.0), "it is starting"
        machine.answers.set()
        await keeper.ready.wait()
        assert not keeper.kill(0.0, 60.0)
        assert keeper.at_work_seconds < 5
        assert keeper.kill(0.0, 0.0)
    await keeper.stop()
    assert (keeper.tally.kills, keeper.tally.kills_while_starting) == (1, 0)


async def test_who_was_told_to_stop_ends_by_itself_or_not_at_all(keeper: Keeper, machine: Pretended) -> None:
    """A kill would pass for an end."""
    machine.answers.set()
    keeper.start()
    async with asyncio.timeout(5):
        await keeper.ready.wait()
        keeper.stopping(0.0)
        assert not keeper.kill(0.0)
        machine.up = False
        while not machine.up or not keeper.ready.is_set():
            await asyncio.sleep(0.01)
        assert keeper.kill(0.0)
    await keeper.stop()
    assert keeper.tally.ended_by_itself == []
