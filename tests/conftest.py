"""What every test may ask for, and the mark of those that ask for a real part."""

import pytest

pytest_plugins = ["tests.parts.postgres", "tests.parts.kafka", "tests.parts.browser"]

REAL_PARTS = {"postgres", "kafka_broker", "own_kafka_broker", "browser"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that asks for a real part is `connected` whether its author remembered the mark or not."""
    for item in items:
        if REAL_PARTS & set(getattr(item, "fixturenames", ())):
            item.add_marker("connected")
