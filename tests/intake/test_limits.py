"""What one sender may cost the others: bytes, time, and patience with a database that says nothing."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from time import perf_counter
from typing import Any

import pytest

from services.intake import api, body
from services.intake.bindings import BATCHED, MOST_EVENT_BYTES, STRUCTURED
from services.intake.pace import with_turns
from tests.intake.desk import Desk, structured

SENT = {"type": "http.request", "body": b"{", "more_body": True}


async def test_an_event_that_is_too_long_is_not_looked_into_and_the_others_are_taken() -> None:
    desk = Desk()
    long = json.dumps(structured(id="long")).encode()[:-1] + b', "x": [' + b"[]," * (MOST_EVENT_BYTES // 3) + b"[]]}"
    batch = b"[" + long + b"," + json.dumps(structured()).encode() + b"]"
    async with desk.client() as client:
        answer = await client.post("/v1/events", content=batch, headers={"Content-Type": BATCHED})
        alone = await client.post("/v1/events", content=long, headers={"Content-Type": STRUCTURED})
    refused, taken = answer.json()["results"]
    assert (refused["status"], taken["status"]) == ("unattributable", "accepted")
    assert f"at most {MOST_EVENT_BYTES} bytes as one event" in refused["errors"][0]["sentence"]
    assert alone.status_code == 413
    assert len(await desk.events()) == 1


async def test_what_takes_long_lets_others_have_their_turn() -> None:
    """However few they are: one that was long is followed by a turn."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def slow() -> Iterator[int]:
        for number in range(4):
            began = perf_counter()
            while perf_counter() - began < 0.011:
                pass
            yield number

    waiting = asyncio.create_task(others())
    seen = [(number, turns) async for number in with_turns(slow())]
    waiting.cancel()
    assert [number for number, _ in seen] == [0, 1, 2, 3]
    assert [turn for _, turn in seen] == [0, 1, 2, 3]


@pytest.mark.parametrize(("then", "status"), [("goes away", 400), ("is slow", 408)])
async def test_a_request_that_does_not_come_whole_is_not_our_failure(
    then: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "_LONGEST_SECONDS", 0.05)

    async def parts() -> AsyncIterator[dict[str, Any]]:
        yield SENT
        if then == "is slow":
            await asyncio.sleep(60)
        yield {"type": "http.disconnect"}

    coming, answered = parts(), []

    async def send(message: Any) -> None:
        answered.append(message)

    desk = Desk()
    async with desk.client() as client:
        headers = [(b"authorization", client.headers["Authorization"].encode()), (b"content-type", STRUCTURED.encode())]
        scope = {"type": "http", "method": "POST", "path": "/v1/events", "query_string": b"", "headers": headers}
        async with asyncio.timeout(10):
            await client._transport.app(scope, coming.__anext__, send)  # type: ignore[attr-defined]
    assert answered[0]["status"] == status
    assert not await desk.events()


async def test_a_database_that_says_nothing_is_away_and_what_it_takes_then_is_found_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(api, "_LONGEST_SECONDS", 0.1)
    desk, awake = Desk(), asyncio.Event()
    appends = desk.ledger.append

    async def frozen(*arguments: Any) -> Any:
        await awake.wait()
        return await appends(*arguments)

    desk.ledger.append = frozen  # type: ignore[method-assign, assignment]
    sent: dict[str, Any] = {"content": json.dumps(structured()), "headers": {"Content-Type": STRUCTURED}}
    async with desk.client() as client:
        away = await asyncio.wait_for(client.post("/v1/events", **sent), 10)
        awake.set()
        again = await client.post("/v1/events", **sent)
    assert (away.status_code, away.headers["Retry-After"]) == (503, "5")
    assert again.status_code == 202
    assert len(await desk.events()) == 1
