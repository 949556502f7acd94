"""A long batch lets others have their turn: one event is quickly judged, a thousand are not."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

Item = TypeVar("Item")

_AT_A_TIME = 20


async def with_turns(items: Iterable[Item]) -> AsyncIterator[Item]:
    """The same items; the event loop gets a turn every so often."""
    for number, item in enumerate(items, 1):
        yield item
        if number % _AT_A_TIME == 0:
            await asyncio.sleep(0)
