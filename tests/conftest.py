"""What every test may ask for, and the mark of those that ask for a real part."""

import asyncio
from collections.abc import AsyncIterator

import pytest

pytest_plugins = ["tests.parts.postgres", "tests.parts.kafka", "tests.parts.browser"]

REAL_PARTS = {"postgres", "kafka_broker", "own_kafka_broker", "browser"}


@pytest.fixture(scope="session", autouse=True)
async def nothing_left_running() -> AsyncIterator[None]:
    """Ends what tests left in the loop. A producer whose broker was killed takes the first cancellation for a farewell
    and waits for its last send; the loop's own end would cancel once and wait for ever."""
    yield
    ourselves = asyncio.current_task()
    for _ in range(20):
        left = {task for task in asyncio.all_tasks() if task is not ourselves}
        if not left:
            return
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=0.5)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that asks for a real part is `connected` whether its author remembered the mark or not."""
    for item in items:
        if REAL_PARTS & set(getattr(item, "fixturenames", ())):
            item.add_marker("connected")
