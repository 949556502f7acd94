"""Partners that do not give up: they send each event through either door until it is taken, and some of them twice."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import takewhile
from random import Random
from typing import Any, Literal

import httpx
import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.intake.signature import sign
from tests.faults.work import Event, Work, name, other_content

AT_ONCE = 30
_AGAIN_SECONDS = 0.3
_STRUCTURED = "application/cloudevents+json"
_BATCH = "application/cloudevents-batch+json"
_MOST_TOGETHER = 4
_TAKEN = (202, 400, 409)

Door = Literal["http", "kafka"]


@dataclass
class Seen:
    """What the partners were told. `received` is when the gate says it took a submission: one moment, for ever."""

    received: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    sent: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Partners:
    """All partners of a round's work, sending at seeded moments."""

    def __init__(self, work: Work, seed: int, http: httpx.AsyncClient, bootstrap: str, spread_seconds: float) -> None:
        self._work, self._http, self._spread_seconds = work, http, spread_seconds
        self._random = Random(f"partners {seed}")
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap, enable_idempotence=True, request_timeout_ms=15000
        )
        self._room = asyncio.Semaphore(AT_ONCE)
        self.seen = Seen()

    async def send_all(self) -> None:
        """Returns when every event was taken, with its repeats."""
        while True:
            try:
                await self._producer.start()
                break
            except KafkaError:
                await asyncio.sleep(_AGAIN_SECONDS)
        try:
            async with asyncio.TaskGroup() as group:
                for number, life in enumerate(self._work.cases):
                    begin = self._spread_seconds * number / len(self._work.cases)
                    group.create_task(self._live(life, begin, Random(self._random.random())))
        finally:
            await self._producer.stop()

    async def _live(self, life: tuple[Event, ...], begin: float, random: Random) -> None:
        """Each statement after the one it may build on: behind it on the same topic, or once the gate has that."""
        await asyncio.sleep(begin)
        async with self._room:
            door: Door = random.choice(("http", "kafka"))
            before: Event | None = None
            for events in _together(life, random):
                if random.random() < 0.15:
                    door = "http" if door == "kafka" else "kafka"
                if before and (door == "http" or before["source"] != events[0]["source"]):
                    await self._known(before)
                await self._send(events, door)
                if random.random() < 0.02:
                    await self._produce(events[0], b"niet ondertekend", {})
                if random.random() < 0.1:
                    await asyncio.gather(self._send(events, door), self._send(events, door))
                before = events[-1]
            assert before
            await self._known(before)
        await asyncio.sleep(random.uniform(0, 0.2 * self._spread_seconds))
        async with self._room:
            await self._repeat_late(life, random)

    async def _repeat_late(self, life: tuple[Event, ...], random: Random) -> None:
        for event in life:
            if random.random() < 0.15:
                await self._known(event, at_once=True)
                await self._send((event,), random.choice(("http", "kafka")))
            if random.random() < 0.02:
                await self._by_http(other_content(event), expected=409)

    async def _send(self, events: Sequence[Event], door: Door) -> None:
        self.seen.sent[door] += len(events)
        if door == "http" and len(events) > 1:
            await self._in_a_batch(events)
        else:
            for event in events:
                await (self._by_http(event) if door == "http" else self._by_kafka(event))

    async def _by_http(self, event: Event, expected: int = 0) -> None:
        answer = await self._ask("POST", "/v1/events", event, _TAKEN, content=msgspec.json.encode(event))
        if expected and answer.status_code != expected:
            self.seen.wrong.append(f"{name(event)}: answered {answer.status_code}, expected {expected}")
        if answer.status_code == 202:
            self.seen.received[name(event)].add(answer.json()["receivedAt"])

    async def _in_a_batch(self, events: Sequence[Event]) -> None:
        self.seen.sent["in a batch"] += len(events)
        content = msgspec.json.encode(events)
        answer = await self._ask("POST", "/v1/events", events[0], (200,), _BATCH, content=content)
        results = answer.json()["results"]
        if [result.get("submission") for result in results] != [name(event) for event in events]:
            self.seen.wrong.append(f"a batch from {name(events[0])} on was answered for {results}")
        for result in results:
            self.seen.received[result["submission"]].add(result.get("receivedAt", result["status"]))

    async def _known(self, event: Event, *, at_once: bool = False) -> None:
        """Returns when the gate has the event; `at_once` where it said so before and must not have forgotten."""
        while True:
            answer = await self._ask("GET", f"/v1/submissions/{name(event)}", event, (200, 404))
            if answer.status_code == 200:
                self.seen.received[name(event)].add(answer.json()["receivedAt"])
                return
            if at_once:
                self.seen.wrong.append(f"{name(event)}: was taken, and is not known any more")
                return
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _ask(
        self, method: str, path: str, event: Event, taken: tuple[int, ...], kind: str = _STRUCTURED, **how: Any
    ) -> httpx.Response:
        bearer = self._work.sender(event).bearer_key
        headers = {"Authorization": f"Bearer {bearer}", "Content-Type": kind}
        while True:
            with suppress(httpx.TransportError):
                answer = await self._http.request(method, path, headers=headers, **how)
                if answer.status_code in taken:
                    return answer
                self.seen.sent[f"answered {answer.status_code}"] += 1
                if answer.status_code != 503 or "Retry-After" not in answer.headers:
                    self.seen.wrong.append(f"{method} {path.rpartition('/')[0]}: answered {answer.status_code}")
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _by_kafka(self, event: Event) -> None:
        sender = self._work.sender(event)
        value = msgspec.json.encode(event)
        headers = {"content-type": _STRUCTURED.encode()}
        headers["signature"] = sign(sender.private_key, headers, value)
        await self._produce(event, value, headers)

    async def _produce(self, event: Event, value: bytes, headers: dict[str, bytes]) -> None:
        topic, key = f"submissions.{self._work.sender(event).id}", event["data"]["case"].encode()
        while True:
            try:
                await self._producer.send_and_wait(topic, value, key=key, headers=list(headers.items()))
            except KafkaError:
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                return


def _together(life: Sequence[Event], random: Random) -> Iterator[tuple[Event, ...]]:
    """In order; some neighbours of one sender at once, as a partner sends what came in overnight."""
    left = list(life)
    while left:
        most = random.randint(2, _MOST_TOGETHER) if random.random() < 0.2 else 1
        same = list(takewhile(lambda event: event["source"] == left[0]["source"], left[:most]))
        del left[: len(same)]
        yield tuple(same)
