"""What lies in a partner's topic that the group gave to somebody who reads nothing is said by who may not read it."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer

from eventlog import untaken
from eventlog.bus_kafka import KafkaBus
from eventlog.partner_topics import PartnerTopics
from tests.eventlog.partner_sends import Taken, read, send


async def test_what_nobody_takes_is_said_until_somebody_does(
    bus: KafkaBus, empty_kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(untaken, "_LOOK_SECONDS", 0.1)
    monkeypatch.setattr(untaken, "_LONG_SECONDS", 0.5)
    taken, topics = Taken(), ("submissions.a", "submissions.b")
    reading = await read(bus, taken, *topics)
    for topic in topics:
        await send(bus, topic, b"before")
        await taken.become(topic, b"before")
    stranger = AIOKafkaConsumer(*topics, bootstrap_servers=empty_kafka, group_id=f"test-{id(bus)}")
    async with stranger:
        async with asyncio.timeout(30):
            while not stranger.assignment():
                await asyncio.sleep(0.1)
        (theirs,) = stranger.assignment()
        (ours,) = {*topics} - {theirs.topic}
        await asyncio.sleep(1)
        assert await _behind(reading) == {ours: 0}, "who has read all is no news"
        for topic in topics:
            await send(bus, topic, b"1")
            await send(bus, topic, b"2")
        await taken.become(ours, b"before", b"1", b"2")
        async with asyncio.timeout(10):
            while await _behind(reading) != {ours: 0, theirs.topic: 2}:
                await asyncio.sleep(0.05)
        (lag,) = [one for one in reading.lags() if one.topic == theirs.topic]
        assert lag.still > 0.5
    await taken.become(theirs.topic, b"before", b"1", b"2")
    async with asyncio.timeout(10):
        while await _behind(reading) != dict.fromkeys(topics, 0):
            await asyncio.sleep(0.05)


async def _behind(reading: PartnerTopics) -> dict[str, int]:
    return {lag.topic: lag.behind for lag in reading.lags()}
