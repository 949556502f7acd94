"""A part that goes away between the look at it and the start does not end the process: it starts when it can."""

from typing import Any, cast

import pytest
from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError, TopicAuthorizationFailedError

from services import serve
from services.process import Process
from services.runtime import Settings
from services.serve import start_when_possible


class _Watch:
    parts = ("broker",)

    async def why_away(self, part: str) -> str | None:
        return None


class _Process:
    """All of a process that its start looks at: what is tried fails as `errors` say, one after the other."""

    def __init__(self, *errors: Exception) -> None:
        self.watch, self.settings = _Watch(), Settings("postgresql+asyncpg://localhost:1/nobody-asks")
        self.errors = list(errors)
        self.started = False

    async def start(self) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.started = True


def _as_process(process: Any) -> Process:
    return cast(Process, process)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def demand_migrated(database_url: str) -> None:
        """It is."""

    monkeypatch.setattr(serve, "_FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr(serve, "demand_migrated", demand_migrated)


async def test_what_went_away_is_waited_for() -> None:
    process = _Process(KafkaConnectionError(), ConnectionRefusedError(), KafkaTimeoutError())
    await start_when_possible(_as_process(process))
    assert process.started


@pytest.mark.parametrize("error", [ValueError("a setting"), TopicAuthorizationFailedError("submissions.x")], ids=repr)
async def test_what_will_not_pass_ends_the_process(error: Exception) -> None:
    process = _Process(error)
    with pytest.raises(type(error)):
        await start_when_possible(_as_process(process))
