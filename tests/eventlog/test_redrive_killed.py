"""A redrive that is killed in the middle leaves everything as it was, and the next one does all of it."""

import asyncio
import sys
from pathlib import Path

from eventlog.redrive import Redriven, redrive
from tests.eventlog.making import catch_up
from tests.eventlog.picky import LEDGER, desk_at


async def test_kill_nine_in_the_middle_of_a_redrive(database_url: str) -> None:
    async with desk_at(database_url) as desk:
        await desk.append("abab")
        desk.reader.poison = {2}
        await catch_up(desk.follower(), LEDGER)
        before = await desk.told(), await desk.held()
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.eventlog.redriving", database_url,
            cwd=Path(__file__).parents[2], stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert child.stdout is not None
        assert b"taken, not committed" in await asyncio.wait_for(child.stdout.readline(), 30)
        child.kill()
        await child.wait()
        assert (await desk.told(), await desk.held()) == before
        desk.reader.poison = set()
        assert await asyncio.wait_for(redrive(desk.follower(), LEDGER, "b"), 30) == Redriven(2)
        assert (await desk.told(), await desk.held()) == ({"a": [1, 3], "b": [2, 4]}, {})
