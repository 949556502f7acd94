"""What an operator does meanwhile: rebuilds of the facts, some of them killed, and ways back."""

import asyncio
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections import Counter
from contextlib import suppress
from pathlib import Path

from tests.deploy.compose import ROOT, LocalDeployment
from tests.faults.machines import environment_of

_REPAIRED = "were not what the ledger says"
_TO_END_SECONDS = 60
_SHOWN = 3000


class Replays:
    """`spoorboek replay`, a process each: counts in `ended` how they do, adds to `wrong` what none of them may say."""

    def __init__(self, deployment: LocalDeployment, programmes: Path, ended: Counter[str], wrong: list[str]) -> None:
        self._environment = environment_of(deployment, "reporting", programmes)
        self._command = [str(Path(sys.executable).parent / "spoorboek"), "replay"]
        self._ended, self._wrong = ended, wrong

    async def run(self, *options: str, seconds: float) -> None:
        """Killed where it has not ended after `seconds`."""
        said, code = await self._run(options, seconds)
        how = "killed" if code < 0 else "refused or away" if code else "done"
        self._ended[" ".join(("replay", *options, how))] += 1
        if _REPAIRED in said or (code > 0 and "Traceback" in said):
            self._wrong.append(f"replay {' '.join(options)}, exit {code}: {said[:_SHOWN]}")

    async def run_at_rest(self) -> None:
        """The last one, which nothing disturbs: it ends, and every row is as it was."""
        said, code = await self._run((), _TO_END_SECONDS)
        if code or "Every row is as it was." not in said:
            self._wrong.append(f"replay at rest, exit {code}: {said[:_SHOWN]}")

    async def _run(self, options: tuple[str, ...], seconds: float) -> tuple[str, int]:
        process = await asyncio.create_subprocess_exec(
            *self._command, *options, cwd=ROOT, env=self._environment, stdout=PIPE, stderr=STDOUT
        )
        ending = asyncio.create_task(process.communicate())
        done, _ = await asyncio.wait({ending}, timeout=seconds)
        if not done:
            with suppress(ProcessLookupError):
                process.kill()
        try:
            said, _ = await asyncio.wait_for(ending, _TO_END_SECONDS)
        except TimeoutError as error:
            raise TimeoutError("a killed replay left processes behind") from error
        assert process.returncode is not None
        return said.decode(errors="replace"), process.returncode
