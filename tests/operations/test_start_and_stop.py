"""A process that starts before its database waits for it, and one that is told to stop leaves nothing half."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from eventlog.engine import make_engine
from eventlog.postgres import PostgresLedger
from eventlog.verification import verify
from services.demonstration.targets import GEMEENTE, PROGRAMME
from services.migrations import migrate
from services.serve import _stop
from tests.journey.world import enquiry
from tests.operations.served import HEADERS, PATIENCE_SECONDS, Served
from tests.parts.postgres_process import PostgresProcess

BATCHES, IN_A_BATCH = 16, 50


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Callable[[str], Served]]:
    begun: list[Served] = []

    def begin(database_url: str) -> Served:
        begun.append(Served(database_url, tmp_path))
        return begun[-1]

    yield begin
    for one in begun:
        one.kill()


@pytest.mark.connected
async def test_a_process_that_starts_before_its_database_waits_and_says_so(
    own_postgres: PostgresProcess, serve: Callable[[str], Served]
) -> None:
    own_postgres.start()
    await migrate(own_postgres.url())
    own_postgres.kill()
    served = serve(own_postgres.url())
    waiting = await served.until_ready(503)
    live = await served.client.get("/health/live")
    sent = await served.client.post("/v1/events", json=[], headers={"Authorization": "Bearer x"})
    own_postgres.start()
    ready = await served.until_ready()

    assert waiting.json()["away"] == ["database"]
    assert waiting.headers["Retry-After"] == "5"
    assert live.status_code == 200
    assert sent.status_code == 401, "it answers what it can"
    assert [reader["eventsBehind"] for reader in ready.json()["readers"]] == [0, 0, 0]
    said = [line for line in served.log if line["event"] == "waiting for part"]
    assert said
    assert {line["part"] for line in said} == {"database"}
    assert await served.end() == 0
    life = [line["event"] for line in served.log if line["event"].startswith("st")]
    assert life == ["started", "stopping", "stopped"]


@pytest.mark.connected
async def test_what_is_told_to_stop_in_the_middle_of_batches_leaves_nothing_half(
    database_url: str, serve: Callable[[str], Served]
) -> None:
    batches: list[list[dict[str, Any]]] = []
    taken: dict[int, list[str]] = {}
    left_to_do = 0
    # When it is stopped cannot be chosen to the millisecond: casework may be done by then, unless it is held.
    for holding in (nullcontext(), nullcontext(), _held(database_url)):
        began, enough = len(batches), len(taken) + 1
        batches += [[_numbered(f"{began + one}-{number}") for number in range(IN_A_BATCH)] for one in range(BATCHES)]
        served = serve(database_url)
        await served.until_ready()
        async with holding as in_a_batch:
            sending = [asyncio.create_task(_send(served, batches, began + one, taken)) for one in range(BATCHES)]
            async with asyncio.timeout(PATIENCE_SECONDS):
                while len(taken) < enough or (in_a_batch and not await in_a_batch()):
                    await asyncio.sleep(0.001)
            assert await served.end() == 0
            await asyncio.gather(*sending)
        left_to_do = await _nothing_is_half(database_url)
    assert left_to_do > 0, "it was stopped when nothing was under way: this proves nothing"

    served = serve(database_url)
    await served.until_ready()
    before = dict(taken)
    for number in range(len(batches)):
        await _send(served, batches, number, taken)
    assert len(taken) == len(batches)
    assert taken | before == taken, "what was sent again has the outcome it had"
    await served.settled()
    figure = await served.client.get("/v1/figures/new", params={"programme": PROGRAMME, "period": "2023"})
    assert figure.json()["value"] == len(batches) * IN_A_BATCH
    assert await served.end() == 0
    assert await _nothing_is_half(database_url) == 0


@asynccontextmanager
async def _held(database_url: str) -> AsyncIterator[Callable[[], Awaitable[bool]]]:
    """Casework cannot append meanwhile; what is given tells whether it is in the middle of a batch, trying to."""
    engine = create_async_engine(database_url)

    async def waits() -> bool:
        waiting = "SELECT FROM pg_locks WHERE relation = 'casework.events'::regclass AND NOT granted"
        return bool((await connection.execute(text(f"SELECT EXISTS ({waiting})"))).scalar_one())

    async with engine.begin() as connection:
        await connection.execute(text("LOCK TABLE casework.events IN SHARE MODE"))
        yield waits
    await engine.dispose()


async def _send(served: Served, batches: list[list[dict[str, Any]]], number: int, taken: dict[int, list[str]]) -> None:
    if (results := await served.send(batches[number])) is not None:
        taken[number] = [result["submission"] for result in results]


async def _nothing_is_half(database_url: str) -> int:
    """Ledgers prove themselves, effects are where positions say; the number that casework has not read yet."""
    for service in ("intake", "casework"):
        engine = make_engine(database_url, service)
        await verify(PostgresLedger(engine, service), GEMEENTE, lambda count: None)
        await engine.dispose()
    engine = create_async_engine(database_url)
    async with engine.connect() as connection:
        counts = (await connection.execute(text(_COUNTS))).mappings().one()
    await engine.dispose()
    assert counts["decided"] == counts["read"]
    assert counts["told"] == counts["heard"]
    assert counts["counted"] == counts["opened"]
    return int(counts["accepted"] - counts["read"])


def _numbered(number: str) -> dict[str, Any]:
    return enquiry(f"C{number}", "2023-03-01", id=f"submission-{number}")


_COUNTS = """
SELECT
    (SELECT count(*) FROM intake.events WHERE type LIKE '%.submission.accepted.v1') AS accepted,
    (SELECT count(*) FROM intake.events WHERE type LIKE '%.submission.accepted.v1' AND position <= casework) AS read,
    (SELECT count(*) FROM casework.events WHERE type LIKE '%.submission.applied.v1') AS decided,
    (SELECT count(*) FROM casework.events WHERE type LIKE '%.submission.applied.v1' AND position <= intake) AS heard,
    (SELECT count(*) FROM intake.events WHERE type LIKE '%.submission.applied.v1') AS told,
    (SELECT count(*) FROM casework.events WHERE type LIKE '%.case.opened.v1' AND position <= reporting) AS opened,
    (SELECT count(*) FROM facts_1.segments) AS counted
FROM (SELECT coalesce((SELECT position FROM casework.readers), 0) AS casework,
    coalesce((SELECT position FROM intake.readers), 0) AS intake,
    coalesce((SELECT position FROM reporting.readers), 0) AS reporting) AS reached
"""


@pytest.mark.connected
async def test_who_does_not_finish_its_request_keeps_no_process_from_stopping(
    database_url: str, serve: Callable[[str], Served]
) -> None:
    served = serve(database_url)
    await served.until_ready()
    reader, writer = await asyncio.open_connection("127.0.0.1", served.client.base_url.port)
    who = f"Authorization: {HEADERS['Authorization']}"
    head = f"POST /v1/events HTTP/1.1\r\nHost: x\r\n{who}\r\nContent-Length: 9\r\n\r\n{{"
    writer.write(head.encode())
    await writer.drain()
    while "spoorboek_ready" not in (await served.client.get("/metrics")).text:
        await asyncio.sleep(0.05)
    assert await served.end() == 0
    assert b" 500 " in (await reader.read()).splitlines()[0], "not an answer that says it was taken"
    writer.close()


def test_who_is_told_twice_waits_for_nobody() -> None:
    server = uvicorn.Server(uvicorn.Config(FastAPI()))
    _stop(server)
    assert (server.should_exit, server.force_exit) == (True, False)
    _stop(server)
    assert (server.should_exit, server.force_exit) == (True, True)


@pytest.mark.connected
async def test_who_is_told_to_stop_on_kafka_ends_by_itself(database_url: str, empty_kafka: str, tmp_path: Path) -> None:
    """At rest, when every reader waits for something to come, and with a partner's topic in hand."""
    served = Served(database_url, tmp_path, empty_kafka)
    try:
        await served.until_ready()
        assert await served.send([_numbered("on-kafka")])
        await served.settled()
        assert await served.end() == 0
    finally:
        served.kill()
