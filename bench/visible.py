"""Accepted to visible: three processes, a real Kafka, and one enquiry at a time at a steady rate."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, time
from typing import Any
from uuid import uuid4

import asyncpg

from bench.http import Line
from bench.machine import CoresAtWork
from bench.measured import Measured, Section
from services.demonstration.history import history
from services.demonstration.senders import senders_of
from tests.deploy.test_compose import deployed
from tests.parts.postgres import Postgres

LINES = 16
_WARMING_UP = (50, 200), *[(200, 3000)] * 4
"""(submissions a second, submissions): a minute in which the broker's JVM compiles what it will run again and again."""

_LONGEST_SECONDS = 20.0
_LOOK_SECONDS = 0.1
_SEEN = """
    SELECT pg_xact_commit_timestamp(xmin) AS at FROM (
        SELECT xmin, opened_position FROM facts_1.segments ORDER BY opened_position DESC LIMIT $1
    ) AS last ORDER BY opened_position
"""
_LIMITS = (
    "What limits it: two hops over Kafka, each a read of the ledger, a publication, a fetch and a commit, in three "
    "Python processes that share two cores with PostgreSQL, the broker and the sender. Once the cores are busy the "
    "wait is that of a queue, and the figures say more of the load than of the path."
)


async def seeing(postgres: Postgres, kafka: str, rates: tuple[int, ...], seconds: float, repeats: int) -> Section:
    rows: list[Measured] = []
    async with _deployment(postgres, kafka) as run:
        for rate, count in _WARMING_UP:
            await run.once(rate, count)
        for rate in rates:
            waits, busy = list[list[float]](), list[float]()
            for _ in range(repeats):
                wait, cores = await run.once(rate, round(rate * seconds))
                waits.append(wait)
                busy.append(cores)
            for share in (50, 99):
                what = f"accepted to visible at {rate} submissions/s, p{share}"
                rows.append(Measured(what, "ms", tuple(1000 * _percentile(wait, share) for wait in waits)))
            rows.append(Measured(f"cores at work at {rate} submissions/s", "cores", tuple(busy)))
    how = (
        f"Three processes as docker-compose.yml says, Kafka and PostgreSQL between them, the sender on the same cores. "
        f"From the 202 of a submission until its fact is committed in reporting's tables, which the next request for a "
        f"figure counts. PostgreSQL says when that was (track_commit_timestamp) and is asked afterwards: who looks "
        f"often enough meanwhile loads what is measured. All of them had been at work for a minute. "
        f"{seconds:.0f} s for each repeat. Aim at 200 submissions/s: p50 ≤ 20 ms and p99 ≤ 100 ms."
    )
    return Section("Accepted to visible", how, tuple(rows), notes=(_LIMITS,))


class Run:
    """Sends enquiries over lines that stay open, and watches them come out."""

    def __init__(self, lines: "asyncio.Queue[Line]", watching: asyncpg.Connection) -> None:
        self._lines, self._watching, self._sent = lines, watching, 0
        self._model: dict[str, Any] = next(history())
        self._sender = next(
            one for one in senders_of("GM0984", "gezinscoaches-venray").values() if one.source == self._model["source"]
        )

    async def once(self, rate: int, count: int) -> tuple[list[float], float]:
        """Seconds from the answer to the fact, for each of `count` enquiries, and how many cores were at work.

        The order of both is the same.
        """
        before = await self._settled()
        assert before == self._sent, f"{before} facts of {self._sent} enquiries that were sent before"
        self._sent += count
        at_work = CoresAtWork()
        accepted = sorted(await self._send(rate, count))
        while await self._segments() < self._sent and time() < accepted[-1] + _LONGEST_SECONDS:
            await asyncio.sleep(_LOOK_SECONDS)
        cores = at_work.so_far()
        seen = await self._seen(count)
        assert len(seen) == len(accepted) == count, f"{len(accepted)} of {count} accepted, {len(seen)} seen"
        return [max(0.0, out - taken) for out, taken in zip(seen, accepted, strict=True)], cores

    async def _send(self, rate: int, count: int) -> list[float]:
        started = perf_counter()
        sent = []
        for number in range(count):
            await asyncio.sleep(max(0.0, started + number / rate - perf_counter()))
            sent.append(asyncio.create_task(self._post()))
        return [moment for moment in await asyncio.gather(*sent) if moment]

    async def _post(self) -> float:
        name = uuid4().hex
        data = self._model["data"] | {"case": f"case-{name}", "family": f"family-{name}"}
        body = json.dumps(self._model | {"id": name, "data": data}).encode()
        headers = {"Authorization": f"Bearer {self._sender.bearer_key}", "Content-Type": "application/cloudevents+json"}
        line = await self._lines.get()
        try:
            status = await line.post("/v1/events", headers, body)
        finally:
            self._lines.put_nowait(line)
        return time() if status == 202 else 0.0

    async def _seen(self, count: int) -> list[float]:
        """When each of the last `count` facts was committed."""
        return [row["at"].timestamp() for row in await self._watching.fetch(_SEEN, count)]

    async def _settled(self) -> int:
        """The facts once nothing of a run before is on its way any more: it would be taken for this one's."""
        before, now = -1, await self._segments()
        while before != now:
            await asyncio.sleep(1)  # Not so long that the gate closes the lines.
            before, now = now, await self._segments()
        return now

    async def _segments(self) -> int:
        """How many the live facts have; each enquiry opens one."""
        return int(await self._watching.fetchval("SELECT count(*) FROM facts_1.segments"))


@asynccontextmanager
async def _deployment(postgres: Postgres, kafka: str) -> AsyncIterator[Run]:
    with TemporaryDirectory() as logs:
        async with postgres.database() as url, deployed(url, kafka, Path(logs)) as services:
            intake, lines = services["intake"].base_url, asyncio.Queue[Line]()
            for _ in range(LINES):
                lines.put_nowait(await Line.open(intake.host, intake.port or 80))
            watching = await asyncpg.connect(url.replace("+asyncpg", ""))
            try:
                yield Run(lines, watching)
            finally:
                await watching.close()
                while not lines.empty():
                    lines.get_nowait().close()


def _percentile(values: list[float], share: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * share // 100)] if ordered else float("nan")
