"""What readers cannot take for a while, and the operator who has them try it again."""

import asyncio
import re
import shutil
from pathlib import Path

import asyncpg

from tests.faults.commands import Commands, outcome
from tests.faults.installation import Installation
from tests.faults.report import Report

_AGAIN_SECONDS = 0.3
_READY_SECONDS = 30
_SHOWN = 3000
_NOTHING = "Nothing is in quarantine."
_GENERATIONS = "SELECT schemaname FROM pg_tables WHERE schemaname LIKE 'facts%' AND tablename = 'segments'"
_UNRULED = "ALTER TABLE {}.segments DROP CONSTRAINT IF EXISTS refused"
_RULED = f"{_UNRULED}, ADD CONSTRAINT refused CHECK (md5(case_id) > '4') NOT VALID"


class Quarantining:
    """What was held and taken again is counted in the report; what is held in the end is a violation."""

    def __init__(self, installation: Installation, commands: Commands, report: Report) -> None:
        self._installation, self._commands = installation, commands
        self._done, self._wrong = report.other, report.violations
        whole = installation.work.folder / "programmes"
        self._whole, self._lacking = whole, _without_one(whole, report.seed)
        self._forgetting = asyncio.Lock()

    async def forget(self, seconds: float) -> None:
        """casework runs without the programme of one gemeente, as where a file was left out of a deployment."""
        async with self._forgetting:
            await self._restart_casework(self._lacking)
            try:
                await asyncio.sleep(seconds)
            finally:
                await self._restart_casework(self._whole)

    async def refuse(self, seconds: float) -> None:
        """The facts have a rule that a quarter of the cases break: of every statement about one of these."""
        await self._alter(_RULED)
        try:
            await asyncio.sleep(seconds)
        finally:
            await self._alter(_UNRULED)

    async def redrive(self, service: str, seconds: float) -> None:
        """Killed where it has not ended after `seconds`."""
        said, code = await self._redrive(service, seconds)
        self._done[f"redrive {outcome(code)}"] += 1
        if code > 0 and "Traceback" in said:
            self._wrong.append(f"redrive of {service}, exit {code}: {said[:_SHOWN]}")

    async def redrive_at_rest(self) -> None:
        """The last ones: what casework held makes more for reporting. Nothing is held after them."""
        for service in ("casework", "reporting"):
            said, code = await self._redrive(service, _READY_SECONDS)
            if code:
                self._wrong.append(f"redrive of {service} at rest, exit {code}: {said[:_SHOWN]}")
            await self._installation.settle()
        said, code = await self._commands.run("reporting", "quarantine", "list")
        live = [line for line in said.splitlines() if "(not live" not in line and line != _NOTHING]
        if code or live:
            self._wrong.append(f"held after the last redrive, exit {code}: {said[:_SHOWN]}")

    async def _redrive(self, service: str, seconds: float) -> tuple[str, int]:
        said, code = await self._commands.run(service, "quarantine", "redrive", "--service", service, seconds=seconds)
        self._done[f"events of {service} taken from quarantine"] += sum(map(int, re.findall(r": (\d+) taken", said)))
        return said, code

    async def _restart_casework(self, programmes: Path) -> None:
        """With these; returns when it is ready, or may be so for a moment only, if it is killed again and again."""
        keeper, process = self._installation.keepers["casework"], self._installation.services["casework"]
        process.environment["SPOORBOEK_PROGRAMMES"] = str(programmes)
        keeper.kill(0.0)
        try:
            async with asyncio.timeout(_READY_SECONDS):
                while keeper.ready.is_set():
                    await asyncio.sleep(0.05)
                await keeper.ready.wait()
        except TimeoutError:
            self._done["casework not ready with other programmes"] += 1

    async def _alter(self, statement: str) -> None:
        """In every generation of the facts, as soon as the database is there."""
        port = self._installation.database.port
        while True:
            try:
                connection = await asyncpg.connect(
                    host="127.0.0.1", port=port, user="postgres", database="disturbed", timeout=5
                )
                try:
                    await connection.execute("SET lock_timeout = '1s'")
                    for row in await connection.fetch(_GENERATIONS):
                        await connection.execute(statement.format(row[0]), timeout=5)
                    return
                finally:
                    connection.terminate()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(_AGAIN_SECONDS)


def _without_one(programmes: Path, seed: int) -> Path:
    """A folder like `programmes` with one file less."""
    lacking = programmes.with_name("programmes-without-one")
    shutil.copytree(programmes, lacking)
    files = sorted(lacking.iterdir())
    files[seed % len(files)].unlink()
    return lacking
