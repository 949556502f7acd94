"""A long batch lets others have their turn: one event is quickly judged; a thousand are not, nor is a huge one."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from time import perf_counter
from typing import TypeVar

Item = TypeVar("Item")

_LONGEST_TURN_SECONDS = 0.01


async def with_turns(items: Iterable[Item]) -> AsyncIterator[Item]:
    """The same items; the event loop gets a turn every so often, whatever takes the time: an item, or who asked."""
    began = perf_counter()
    for item in items:
        yield item
        if perf_counter() - began > _LONGEST_TURN_SECONDS:
            await asyncio.sleep(0)
            began = perf_counter()
