"""Something else may answer in the place of a ledger's owner: nothing of it is taken, and health says that it is so."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from eventlog.errors import EventlogError
from eventlog.ledger import LedgerId
from services.runtime.lags import Lags
from services.runtime.ledger_range import HttpSource
from services.runtime.standing import ReaderStanding, Standing
from services.runtime.telling import tell
from tests.eventlog.making import GEMEENTE, recorded
from tests.operations.conftest import Clock
from tests.operations.made import follower_at

LEDGER = LedgerId("casework", GEMEENTE)


@asynccontextmanager
async def answering(body: bytes) -> AsyncIterator[HttpSource]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield HttpSource("casework", f"http://127.0.0.1:{port}", "key")


def lines(*positions: int, ledger: LedgerId = LEDGER) -> bytes:
    events = [replace(recorded(position), ledger=ledger) for position in positions]
    answer = [{"attributes": one.attributes(), "data": base64.b64encode(one.data).decode()} for one in events]
    return msgspec.json.encode(answer)


@pytest.mark.parametrize("body", [b"<html>", b'{"GM0984":', b"[1]", b'{"GM0984":null}', b'{"GM0984":"5"}', b"\xff"])
async def test_what_is_no_size_of_a_ledger_is_an_owner_that_does_not_answer(body: bytes) -> None:
    async with answering(body) as source:
        with pytest.raises(EventlogError, match="casework answered something else than its ledger"):
            await source.sizes()


@pytest.mark.parametrize("body", [b"<html>", b"{}", b"[null]", b"[{}]", b'[{"attributes":{},"data":"?"}]'])
async def test_what_is_no_event_of_a_ledger_is_an_owner_that_does_not_answer(body: bytes) -> None:
    async with answering(body) as source:
        with pytest.raises(EventlogError):
            await source.read(GEMEENTE, 0)


@pytest.mark.parametrize("body", [lines(3, ledger=LedgerId("casework", "GM9001")), lines(2), lines(3, 2), lines(1, 3)])
async def test_events_that_were_not_asked_for_are_not_taken(body: bytes) -> None:
    async with answering(body) as source:
        with pytest.raises(EventlogError, match="something else when asked for casework/GM0984 after 2"):
            await source.read(GEMEENTE, 2)


async def test_the_events_asked_for_are_those_that_were_recorded() -> None:
    async with answering(lines(3, 4)) as source:
        assert [(event.ledger, event.position) for event in await source.read(GEMEENTE, 2)] == [
            (LEDGER, 3),
            (LEDGER, 4),
        ]


@pytest.mark.parametrize("body", [b"<html>", b'{"GM0984":5}'])
async def test_a_look_goes_on_and_says_what_came_instead(body: bytes) -> None:
    """Of the second the size can be read, and the event that lies longest cannot."""
    clock = Clock()
    lags = Lags(60, clock.now, clock.monotonic)
    follower = await follower_at({}, clock, events=1)
    async with answering(body) as follower.source:
        found = await lags.of("reporting", follower)
    assert found.ledgers is None
    assert found.why_unknown.startswith("casework answered something else")


async def test_a_ledger_that_was_put_back_between_two_questions_is_unknown_until_the_next_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    lags = Lags(60, clock.now, clock.monotonic)
    follower = await follower_at({}, clock, events=1)

    async def nothing(*_: Any) -> list[Any]:
        return []

    monkeypatch.setattr(follower.source, "read", nothing)
    assert (await lags.of("casework", follower)).ledgers is None


def test_an_owner_that_does_not_answer_is_said_once_and_once_that_it_does() -> None:
    well = Standing(True, {}, (), readers=(ReaderStanding("reporting", "facts", "casework", ()),))
    silent = replace(well, readers=(ReaderStanding("reporting", "facts", "casework", None, "it is not there"),))
    with capture_logs() as said:
        for before, now in ((well, silent), (silent, silent), (silent, well), (well, well)):
            tell(before, now)
    assert [line["event"] for line in said] == ["ledger owner does not answer", "ledger owner answers again"]
    assert said[0]["error"] == "it is not there"
