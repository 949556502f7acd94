"""The history, made once for all tests of it."""

from typing import Any

import pytest

from services.demonstration.history import history
from tests.demonstration.counting import Counted, count


@pytest.fixture(scope="session")
def events() -> list[dict[str, Any]]:
    return list(history())


@pytest.fixture(scope="session")
def segments(events: list[dict[str, Any]]) -> list[Counted]:
    return count(events)
