"""Reporting in a process and database of its own: it has casework over Kafka and, for what that lacks, over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
from aiokafka import TopicPartition
from aiokafka.admin import NewTopic, RecordsToDelete
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from eventlog.topics import PARTITIONS
from eventlog.watch import BusWatch
from services.process import Process
from services.reporting.facts import FACTS
from services.serve import serving
from tests.journey.world import COACH, PATIENCE_SECONDS, settings_for
from tests.parts.kafka import admin_of
from tests.parts.kafka_process import free_port

TOPIC = "casework.events"


@dataclass
class Apart:
    """The gate and casework, up; `reporting` makes a process of reporting on the database it is given."""

    process: Process
    client: httpx.AsyncClient
    kafka: str
    address: str

    async def send(self, *events: dict[str, Any]) -> None:
        """Returns when casework has had them and the broker has casework's facts."""
        headers = {
            "Authorization": f"Bearer {COACH.bearer_key}",
            "Content-Type": "application/cloudevents-batch+json",
        }
        answer = await self.client.post("/v1/events", json=list(events), headers=headers)
        assert answer.status_code == 200, answer.text
        await settled(self.process)

    @asynccontextmanager
    async def reporting(self, database_url: str, watched: bool = True) -> AsyncIterator[Process]:
        settings = replace(
            settings_for(database_url, self.kafka), service_key="between-us", peers={"casework": self.address}
        )
        process = Process(settings, ("reporting",))
        try:
            await process.start()
            if not watched:
                await asyncio.gather(*(pull.stop() for pull in process._pulls if isinstance(pull, BusWatch)))
            yield process
        finally:
            await process.stop()

    async def forget(self) -> None:
        """The broker drops all it has of casework's facts, as a topic's retention does."""
        everything = {TopicPartition(TOPIC, number): RecordsToDelete(before_offset=-1) for number in range(PARTITIONS)}
        async with admin_of(self.kafka) as admin:
            await admin.delete_records(everything)

    async def make_topic_anew(self) -> None:
        async with admin_of(self.kafka) as admin:
            await admin.delete_topics([TOPIC])
            while TOPIC in await admin.list_topics():
                await asyncio.sleep(0.05)
            await admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1)])


@asynccontextmanager
async def apart(database_url: str, kafka: str) -> AsyncIterator[Apart]:
    port = free_port()
    settings = replace(settings_for(database_url, kafka), service_key="between-us", port=port)
    process = Process(settings, ("intake", "casework"))
    address = f"http://127.0.0.1:{port}"
    try:
        await process.start()
        async with serving(process, "127.0.0.1", port), httpx.AsyncClient(base_url=address, timeout=60) as client:
            yield Apart(process, client, kafka, address)
    finally:
        await process.stop()


async def settled(process: Process) -> None:
    """Twice, because the first round's work may make more."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        for _ in range(2):
            while (await process.lag()).behind:
                await asyncio.sleep(0.05)


async def facts(database_url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the live facts, in one order."""
    engine = create_async_engine(database_url)
    try:
        async with engine.connect() as connection:
            return {
                table.name: sorted(
                    (tuple(row) for row in await connection.execute(text(f"SELECT * FROM facts_1.{table.name}"))),
                    key=str,
                )
                for table in FACTS.sorted_tables
            }
    finally:
        await engine.dispose()
