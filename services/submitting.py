"""Sends a file of CloudEvents, one a line, through the front door like any partner, and counts what became of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import httpx
import msgspec

# What the door says of a batch, as any partner reads it.
_AT_ONCE, _MOST_BYTES = 1000, 8 * 1024 * 1024
_BATCH = "application/cloudevents-batch+json"


class SubmitError(Exception):
    """The door did not take a batch at all; the message says what it answered."""


def client_at(url: str) -> httpx.AsyncClient:
    """Of the installation at `url`; raises SubmitError where that is no address."""
    try:
        client = httpx.AsyncClient(base_url=url, timeout=60)
    except httpx.InvalidURL as error:
        raise SubmitError(f"{url} is no address ({error}): give one as in http://localhost:8080") from error
    if client.base_url.scheme not in ("http", "https") or not client.base_url.host:
        raise SubmitError(f"{url} is no address: give one as in http://localhost:8080")
    return client


async def submit(
    client: httpx.AsyncClient,
    events: Iterable[dict[str, Any]],
    key_of: Callable[[str], str],
    progress: Callable[[int], None] = lambda count: None,
) -> Counter[str]:
    """Send `events`; `key_of` gives the bearer key for a source. How many got which status.

    A batch has one sender, and the next goes out when the last is durable: so the events of a case keep their order.
    """
    outcomes: Counter[str] = Counter()
    sent = 0
    for source, batch in _batches(events):
        headers = {"Content-Type": _BATCH, "Authorization": f"Bearer {key_of(source)}"}
        try:
            answer = await client.post("/v1/events", content=b"[" + b",".join(batch) + b"]", headers=headers)
        except httpx.TransportError as error:
            raise SubmitError(
                f"{client.base_url} does not answer: start Spoorboek, or name its address, and send the file again; "
                "what came through has no second effect"
            ) from error
        if not answer.is_success:
            raise SubmitError(f"{answer.url} answered {answer.status_code}: {_detail(answer)}")
        outcomes.update(result["status"] for result in answer.json()["results"])
        sent += len(batch)
        progress(sent)
    return outcomes


def read_lines(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """One CloudEvent a line; raises SubmitError with the line's number where it is none."""
    for number, line in enumerate(lines, start=1):
        try:
            event = msgspec.json.decode(line)
        except msgspec.DecodeError as error:
            raise SubmitError(f"line {number} is no JSON: {error}") from error
        if not isinstance(event, dict):
            raise SubmitError(f"line {number} is no CloudEvent: a JSON object is expected")
        yield event


def _batches(events: Iterable[dict[str, Any]]) -> Iterator[tuple[str, list[bytes]]]:
    """Few and large ones: an event goes along with others of its sender unless it would pass one of its own case."""
    coming = ((event, msgspec.json.encode(event)) for event in events)
    while window := list(islice(coming, _AT_ONCE)):
        while window:
            source, size = _source(window[0][0]), 1
            batch: list[bytes] = []
            rest, waiting = [], set()
            for event, encoded in window:
                fits = size + len(encoded) < _MOST_BYTES or not batch
                if fits and _source(event) == source and _case(event) not in waiting:
                    batch.append(encoded)
                    size += len(encoded) + 1
                else:
                    rest.append((event, encoded))
                    waiting.add(_case(event))
            yield source, batch
            window = rest


def _source(event: dict[str, Any]) -> str:
    return str(event.get("source", ""))


def _case(event: dict[str, Any]) -> str:
    data = event.get("data")
    return str(data.get("case", "")) if isinstance(data, dict) else ""


def _detail(answer: httpx.Response) -> str:
    if answer.headers.get("content-type") != "application/problem+json":
        return answer.reason_phrase
    return str(answer.json()["detail"])
