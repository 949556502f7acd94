"""Writes a history: some of the demonstration's cases, through the gate, casework and reporting on a real PostgreSQL.

`python -m tests.histories.write NAME` makes the folder NAME and adds its files to `KEPT`; it changes no history that is
there already.
"""

import asyncio
import json
import shutil
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import text

from eventlog.ledger import Recorded
from schemas.programme import PUBLISHED
from services.demonstration.history import history
from services.migrations import migrate
from services.process import Process
from services.run import KEYS
from services.submitting import submit
from tests.histories.counted import cases_of, facts_of, figures_of
from tests.histories.kept import KEPT, MASTER_KEY, ROOT, digests, line_of, root_of
from tests.journey.world import settings_for
from tests.parts.postgres import running_postgres

GEMEENTE = "GM0984"
_CASES = 12
_OF_EACH_TYPE = 2


def chosen() -> list[dict[str, Any]]:
    """All events of a few dozen cases, some of each type, and the ways in which a submission goes wrong."""
    cases: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in history():
        cases[event["data"]["case"]].append(event)
    having: dict[str, list[str]] = defaultdict(list)
    for case, events in cases.items():
        for kind in {event["type"] for event in events}:
            having[kind].append(case)
    wanted = {case for found in having.values() for case in found[-_OF_EACH_TYPE:]}
    wanted |= set(list(cases)[-_CASES:])
    kept = [event for event in history() if event["data"]["case"] in wanted]
    first = kept[0]
    assigned = next(event for event in kept if event["type"].endswith("coach.assigned.v1"))
    unknown = assigned | {"id": "refused", "data": assigned["data"] | {"case": "SYN-NOBODY", "family": "SYN-F-NOBODY"}}
    rejected = first | {"id": "rejected", "data": {"programme": first["data"]["programme"]}}
    contested = first | {"data": first["data"] | {"area": "wijk-a" if first["data"]["area"] != "wijk-a" else "wijk-b"}}
    return [*kept, unknown, rejected, contested, dict(first)]


async def write(folder: Path) -> None:
    with running_postgres() as server:
        async with server.database() as url:
            await migrate(url)
            process = Process(settings_for(url, None))
            if process.settings.vault_key != MASTER_KEY:
                raise ValueError("the histories' master key is not the one that sealed")
            try:
                await process.start()
                transport = httpx.ASGITransport(process.app)
                async with httpx.AsyncClient(transport=transport, base_url="http://spoorboek", timeout=60) as client:
                    await submit(client, chosen(), KEYS.__getitem__)
                for _ in range(3):
                    while (await process.lag()).behind:
                        await asyncio.sleep(0.05)
                await _keep(process, folder)
            finally:
                await process.stop()


async def _keep(process: Process, folder: Path) -> None:
    folder.mkdir()  # noqa: ASYNC240 - nobody waits
    shutil.copytree(PUBLISHED, folder / "programmes", ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    expected: dict[str, Any] = {"ledgers": {}}
    for service in ("intake", "casework"):
        events = await _read(process, service)
        (folder / f"{service}.jsonl").write_text("".join(f"{line_of(event)}\n" for event in events))
        expected["ledgers"][service] = {"size": len(events), "root": root_of(events)}
        if service == "casework":
            expected["cases"] = cases_of(events)
    engine = process.parts["reporting"].engine
    expected["facts"] = await facts_of(engine)
    expected["figures"] = await figures_of(engine, process.programmes)
    (folder / "expected.json").write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n")
    async with process.parts["intake"].engine.connect() as connection:
        query = text("SELECT subject, wrapped_key FROM vault.subject_keys ORDER BY 1")
        keys = {row.subject: row.wrapped_key.hex() for row in await connection.execute(query)}
    (folder / "keys.json").write_text(json.dumps(keys, indent=1, sort_keys=True) + "\n")


async def _read(process: Process, service: str) -> list[Recorded]:
    ledger = process.parts[service].ledger
    async with ledger.begin() as tx:
        return await ledger.read(tx, GEMEENTE, 0, 100_000)


def main() -> None:
    folder = ROOT / sys.argv[1]
    if folder.exists():
        raise SystemExit(f"{folder.name} is there already: a kept history is never written again")
    asyncio.run(write(folder))
    listed = "".join(f"{digest}  {path}\n" for path, digest in digests().items())
    (ROOT / KEPT).write_text(listed)


if __name__ == "__main__":
    main()
