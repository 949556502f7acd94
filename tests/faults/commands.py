"""`spoorboek …` as an operator runs it beside the services: each time a process of its own, which may be killed."""

import asyncio
import sys
from asyncio.subprocess import PIPE, STDOUT
from contextlib import suppress
from pathlib import Path

from tests.deploy.compose import ROOT, LocalDeployment
from tests.faults.machines import environment_of

TO_END_SECONDS = 60
_SPOORBOEK = (str(Path(sys.executable).parent / "spoorboek"),)


class Commands:
    """With the environment of one of the services, as `docker compose run` gives it."""

    def __init__(self, deployment: LocalDeployment, programmes: Path) -> None:
        self._deployment, self._programmes = deployment, programmes

    async def run(self, service: str, *arguments: str, seconds: float = TO_END_SECONDS) -> tuple[str, int]:
        """What it said and its exit code; killed where it has not ended after `seconds`."""
        process = await asyncio.create_subprocess_exec(
            *_SPOORBOEK,
            *arguments,
            cwd=ROOT,
            env=environment_of(self._deployment, service, self._programmes),
            stdout=PIPE,
            stderr=STDOUT,
        )
        ending = asyncio.create_task(process.communicate())
        done, _ = await asyncio.wait({ending}, timeout=seconds)
        if not done:
            with suppress(ProcessLookupError):
                process.kill()
        try:
            said, _ = await asyncio.wait_for(ending, TO_END_SECONDS)
        except TimeoutError as error:
            raise TimeoutError(f"a killed {' '.join(arguments)} left processes behind") from error
        assert process.returncode is not None
        return said.decode(errors="replace"), process.returncode


def outcome(code: int) -> str:
    """In the words of the table."""
    return "killed" if code < 0 else "refused or away" if code else "done"
