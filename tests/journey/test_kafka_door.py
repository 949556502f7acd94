"""Partners on Kafka: the same gate, one effect whichever door a submission came through, and answers in order."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from structlog.testing import capture_logs

from services.demonstration.senders import Sender
from tests.journey.conftest import started
from tests.journey.world import COACH, PATIENCE_SECONDS, TEACHER, World, enquiry, settings_for
from tests.parts.kafka import admin_of, delete_topics

STRUCTURED = ("content-type", b"application/cloudevents+json")


@pytest.fixture
async def world(database_url: str, empty_kafka: str) -> AsyncIterator[World]:
    async with started(settings_for(database_url, empty_kafka)) as world:
        yield world


@pytest.fixture
async def producer(empty_kafka: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=empty_kafka)
    await producer.start()
    yield producer
    await producer.stop()


async def put(producer: AIOKafkaProducer, event: dict[str, Any], sender: Sender = COACH, *, topic: str = "") -> None:
    """A signed structured event on the sender's topic, or on another's."""
    value = json.dumps(event).encode()
    signature = base64.b64encode(sender.private_key.sign(value))
    await producer.send_and_wait(
        topic or f"submissions.{sender.id}", value=value, headers=[STRUCTURED, ("signature", signature)]
    )


async def answers(bootstrap: str, partner: str, count: int) -> list[tuple[str, str]]:
    """The first `count` answers to a partner: (kind, submission)."""
    consumer = AIOKafkaConsumer(f"answers.{partner}", bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    told: list[tuple[str, str]] = []
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(told) < count:
                record = await consumer.getone()
                headers = {name: value.decode() for name, value in record.headers}
                assert record.key == b"GM0984"
                told.append((headers["ce_type"].split(".submission.")[1], headers["ce_subject"]))
    finally:
        await consumer.stop()
    return told


async def becomes(world: World, indicator: str, value: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await world.value(indicator) != value:
            await asyncio.sleep(0.05)
    await world.settle()


async def test_a_submission_has_one_effect_through_whichever_door_it_comes(
    world: World, producer: AIOKafkaProducer, empty_kafka: str
) -> None:
    one, two = enquiry("A", "2023-03-01"), enquiry("B", "2023-03-01")
    await put(producer, one)
    await put(producer, one)
    await becomes(world, "new", 1)
    (fate, other) = await world.send(one, two)
    await put(producer, two)
    await put(producer, enquiry("C", "2023-03-01"))
    await becomes(world, "new", 3)
    told = await answers(empty_kafka, COACH.id, 6)
    assert [kind for kind, submission in told if submission == fate["submission"]] == ["accepted.v1", "applied.v1"]
    assert [kind for kind, submission in told if submission == other["submission"]] == ["accepted.v1", "applied.v1"]


async def test_nobody_writes_on_anothers_topic_and_what_is_nobodys_is_parked(
    world: World, producer: AIOKafkaProducer
) -> None:
    await put(producer, enquiry("A", "2023-03-01"), TEACHER, topic=f"submissions.{COACH.id}")
    await producer.send_and_wait(f"submissions.{COACH.id}", value=b"\xff", headers=[("ce_id", b"\xff\xfe")])
    await producer.send_and_wait(f"submissions.{COACH.id}", key=b"k", value=None)
    await put(producer, enquiry("B", "2023-03-01"))
    await becomes(world, "new", 1)
    async with world.process.parts["intake"].engine.connect() as connection:
        parked = await connection.execute(text("SELECT reason FROM intake.parked"))
        assert sorted(parked.scalars()) == ["not-signed"] * 3


async def test_a_rejection_is_answered_too(world: World, producer: AIOKafkaProducer, empty_kafka: str) -> None:
    await put(producer, enquiry("A", "2023-03-01", ageYears="negen"))
    ((kind, submission),) = await answers(empty_kafka, COACH.id, 1)
    assert kind == "rejected.v1"
    assert (await world.fate(submission))["status"] == "rejected"


async def test_a_topic_that_cannot_be_taken_is_said_and_stops_no_other(
    database_url: str, empty_kafka: str, producer: AIOKafkaProducer
) -> None:
    """A family's key that does not open is ours to put right: nothing is passed over meanwhile."""
    async with started(replace(settings_for(database_url, empty_kafka), lag_seconds=1)) as world:
        intake, bad = world.process.parts["intake"], enquiry("BAD", "2023-03-01", parentName="Synthetische Naam")
        assert intake.vault is not None
        family = intake.vault.pseudonym("GM0984", "family", bad["data"]["family"])
        async with intake.engine.begin() as tx:
            key = {"family": family, "key": bytes(60)}
            await tx.execute(text("INSERT INTO vault.subject_keys VALUES ('GM0984', :family, :key)"), key)
        await put(producer, bad)
        await put(producer, enquiry("A", "2023-03-01"))
        stuck = await _ready(world, 503)
        assert stuck["stuck"] == [f"intake submissions at submissions.{COACH.id}/GM0984"]
        (behind,) = [one for one in stuck["readers"] if one["source"] == f"submissions.{COACH.id}"]
        assert behind["secondsBehind"] > 1
        await put(producer, enquiry("B", "2023-03-01", sender=TEACHER), TEACHER)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await _taken_from(world, TEACHER):
                await asyncio.sleep(0.05)
        assert not await _taken_from(world, COACH)
        owner = create_async_engine(database_url)
        async with owner.begin() as tx:
            await tx.execute(text("DELETE FROM vault.subject_keys WHERE subject = :family"), {"family": family})
        await owner.dispose()
        await becomes(world, "new", 3)
        await _ready(world, 200)
        assert await _taken_from(world, COACH) == 2


async def test_a_broker_that_lost_every_topic_is_told_them_anew_and_all_goes_on(
    world: World, producer: AIOKafkaProducer, empty_kafka: str
) -> None:
    await put(producer, enquiry("A", "2023-03-01"))
    await becomes(world, "new", 1)
    await _lose_topics(empty_kafka)
    await put(producer, enquiry("B", "2023-03-01"))
    await becomes(world, "new", 2)
    assert [kind for kind, _ in await answers(empty_kafka, COACH.id, 2)] == ["accepted.v1", "applied.v1"]
    async with asyncio.timeout(PATIENCE_SECONDS):
        while "reading from the owner" in await _said_for(world, enquiry("C", "2023-03-01")):
            pass


async def _said_for(world: World, event: dict[str, Any]) -> list[str]:
    """What is logged until everybody has had it: between the services it came over the bus, or had to be asked for."""
    with capture_logs() as said:
        await world.send(event)
    return [line["event"] for line in said]


async def _lose_topics(bootstrap: str) -> None:
    """As with the broker's disk; returns when somebody has made them again."""
    async with admin_of(bootstrap) as admin:
        had = await delete_topics(admin)
        await asyncio.sleep(1)  # Until then the broker may still name them.
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not had <= set(await admin.list_topics()):
                await asyncio.sleep(0.05)


async def _ready(world: World, status: int) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (answer := await world.client.get("/health/ready")).status_code != status:
            await asyncio.sleep(0.05)
    said: dict[str, Any] = answer.json()
    return said


async def _taken_from(world: World, sender: Sender) -> int:
    query = text("SELECT count(*) FROM intake.events WHERE partner = :id AND version = 1")
    async with world.process.parts["intake"].engine.connect() as connection:
        return int((await connection.execute(query, {"id": sender.id})).scalar_one())
