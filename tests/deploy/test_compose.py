"""The deployment carries one event over three processes and a real Kafka to a figure."""

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer

from eventlog.wire import events_topic
from services.demonstration.history import history
from services.demonstration.senders import senders_of
from tests.deploy.compose import SERVICES, LocalDeployment

READY_SECONDS, VISIBLE_SECONDS = 60, 30
FIGURE = "/v1/figures/new?programme=gezinscoaches-venray&period=2019"


def keys() -> dict[str, str]:
    names = ("SPOORBOEK_VAULT_KEY", "SPOORBOEK_SERVICE_KEY")
    return {name: base64.b64encode(secrets.token_bytes(32)).decode() for name in names}


@asynccontextmanager
async def deployed(database_url: str, kafka: str, logs: Path) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    """A client for each service once each says it is ready; what the services said is shown when something fails."""
    deployment = LocalDeployment(database_url, kafka, keys(), logs)
    with deployment.up():
        clients = {service: httpx.AsyncClient(base_url=deployment.address(service)) for service in SERVICES}
        try:
            for service, client in clients.items():
                await wait_until_ready(service, client)
            yield clients
        except BaseException:
            print(*(f"--- {name}\n{deployment.output(name)[-4000:]}" for name in SERVICES), sep="\n")  # noqa: T201
            raise
        finally:
            for client in clients.values():
                await client.aclose()


async def wait_until_ready(service: str, client: httpx.AsyncClient) -> None:
    deadline = monotonic() + READY_SECONDS
    while monotonic() < deadline:
        try:
            if (await client.get("/health/ready")).is_success:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.1)
    raise TimeoutError(f"{service} was not ready after {READY_SECONDS} s")


async def value(reporting: httpx.AsyncClient) -> int:
    """The figure; before reporting has any facts it answers 503, which counts as nothing yet."""
    answer = await reporting.get(FIGURE)
    return int(answer.json()["value"]) if answer.is_success else 0


async def test_one_event_becomes_a_figure(empty_database_url: str, empty_kafka: str, tmp_path: Path) -> None:
    enquiry: dict[str, Any] = next(history())
    sender = next(
        one for one in senders_of("GM0984", "gezinscoaches-venray").values() if one.source == enquiry["source"]
    )
    headers = {"Authorization": f"Bearer {sender.bearer_key}", "Content-Type": "application/cloudevents+json"}
    async with deployed(empty_database_url, empty_kafka, tmp_path) as services:
        assert await value(services["reporting"]) == 0
        answer = await services["intake"].post("/v1/events", json=enquiry, headers=headers)
        assert answer.status_code == 202, answer.text
        await until(partial(is_counted, services["reporting"]), "the figure did not become 1")
        for source in ("intake", "casework"):
            await first_record(empty_kafka, events_topic(source))
        for service, client in services.items():
            await until(partial(is_caught_up, client), f"{service} does not say it has caught up")


async def is_counted(reporting: httpx.AsyncClient) -> bool:
    return await value(reporting) == 1


async def is_caught_up(client: httpx.AsyncClient) -> bool:
    readers = (await client.get("/health/ready")).json()["readers"]
    return all(reader["eventsBehind"] == 0 for reader in readers)


async def until(condition: Callable[[], Awaitable[bool]], otherwise: str) -> None:
    deadline = monotonic() + VISIBLE_SECONDS
    while not await condition():
        assert monotonic() < deadline, otherwise
        await asyncio.sleep(0.05)


async def first_record(kafka: str, topic: str) -> None:
    """Shows that the bus carried it, and not the way that repairs the bus's gaps; raises TimeoutError."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    try:
        await asyncio.wait_for(consumer.getone(), 10)
    finally:
        await consumer.stop()
