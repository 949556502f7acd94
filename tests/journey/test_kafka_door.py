"""Partners on Kafka: the same gate, one effect whichever door a submission came through, and answers in order."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from services.demonstration.senders import Sender
from tests.journey.conftest import started
from tests.journey.world import COACH, PATIENCE_SECONDS, TEACHER, World, enquiry, settings_for

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
    from sqlalchemy import text

    async with world.process.parts["intake"].engine.connect() as connection:
        parked = await connection.execute(text("SELECT reason FROM intake.parked"))
        assert sorted(parked.scalars()) == ["not-signed"] * 3


async def test_a_rejection_is_answered_too(world: World, producer: AIOKafkaProducer, empty_kafka: str) -> None:
    await put(producer, enquiry("A", "2023-03-01", ageYears="negen"))
    ((kind, submission),) = await answers(empty_kafka, COACH.id, 1)
    assert kind == "rejected.v1"
    assert (await world.fate(submission))["status"] == "rejected"
