"""What one ledger cannot take delays no other on Kafka, and none of it is lost; where none can, it is waited for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

import pytest
import structlog

from eventlog.bus_kafka import KafkaBus
from eventlog.bus_local import Pull, Wakes
from eventlog.delivery import Delivery
from eventlog.errors import BrokenLedger, PositionMoved
from eventlog.ledger import LedgerId
from eventlog.reader import Follower
from eventlog.relay import Relay
from eventlog.watch import BusWatch
from eventlog.wire import Incoming
from tests.eventlog.making import brought
from tests.eventlog.picky import Desk, Sick

SICK, SOUND = "GM0001", "GM0984"


async def until_told(desk: Desk, gemeente: str, count: int) -> float:
    """In how many seconds."""
    begun = monotonic()
    async with asyncio.timeout(20):
        while sum(map(len, (await desk.told(gemeente)).values())) < count:
            await asyncio.sleep(0.02)
    return monotonic() - begun


@asynccontextmanager
async def over_kafka(desk: Desk, follower: Follower, kafka: str) -> AsyncIterator[None]:
    """The desk's events over Kafka to `follower`, with the watch beside it, as in a process."""
    bus = KafkaBus(kafka)
    bus.follow(follower, group=f"sick-{id(bus)}")
    relay = desk.follower()
    relay.reader, relay.quarantine = Relay("casework", bus.publish), None
    await bus.start(["casework.events"])
    besides: list[Pull | BusWatch] = [Pull(relay, Wakes()), BusWatch(follower)]
    for one in besides:
        one.start()
    try:
        yield
    finally:
        await bus.stop_reading()
        for one in besides:
            await one.stop()
        await bus.stop()


async def test_one_sick_ledger_delays_no_other_and_is_taken_when_it_is_well(desk: Desk, empty_kafka: str) -> None:
    reader = Sick()
    async with over_kafka(desk, desk.follower(reader), empty_kafka):
        await desk.append("b", SOUND)
        await until_told(desk, SOUND, 1)
        reader.sick = {SICK: BrokenLedger("this one only")}
        with structlog.testing.capture_logs() as logs:
            await desk.append("a", SICK)
            while reader.attempts < 3:
                await asyncio.sleep(0.02)
            waited = 0.0
            for count in range(2, 12):
                await desk.append("a", SICK)
                await desk.append("b", SOUND)
                waited += await until_told(desk, SOUND, count)
        said = [line for line in logs if line["event"] == "ledger not taken, the others go on"]
        assert {(line["ledger"], line["error"]) for line in said} == {(f"casework/{SICK}", "this one only")}
        assert len(said) < 10
        assert waited < 15, "each waited for the sick one"
        assert await desk.told(SICK) == {}
        reader.sick = {}
        await until_told(desk, SICK, 11)
    assert await desk.told(SICK) == {"a": list(range(1, 12))}


async def records(desk: Desk, *gemeenten: str) -> list[Incoming]:
    """One event of each gemeente, as it comes from the broker."""
    found = []
    for gemeente in gemeenten:
        await desk.append("a", gemeente)
        found += (await desk.follower().source.read(gemeente, 0))[-1:]
    return brought(found)


async def test_what_passes_by_itself_is_tried_again_at_once(desk: Desk) -> None:
    reader = Sick(sick={SICK: ConnectionError("just now")})
    taking = asyncio.create_task(Delivery(desk.follower(reader), "g").take(await records(desk, SICK, SOUND)))
    assert await until_told(desk, SOUND, 1) < 1
    reader.sick = {}
    async with asyncio.timeout(5):
        await taking
    assert await desk.told(SICK) == {"a": [1]}


async def test_while_the_database_is_away_nothing_is_passed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Sick(sick=dict.fromkeys((SICK, SOUND), ConnectionError("away")))
    follower = desk.follower(reader)
    reached = follower.positions.reached

    async def away(reader: str) -> dict[str, int]:
        raise ConnectionError

    monkeypatch.setattr(follower.positions, "reached", away)
    with structlog.testing.capture_logs() as logs:
        taking = asyncio.create_task(Delivery(follower, "g").take(await records(desk, SICK, SOUND)))
        await asyncio.sleep(2)
        assert not taking.done()
    assert 3 <= reader.attempts <= 6
    assert {line["event"] for line in logs} == {"batch not taken, will try again"}
    reader.sick = {}
    monkeypatch.setattr(follower.positions, "reached", reached)
    async with asyncio.timeout(10):
        await taking
    assert (await desk.told(SICK), await desk.told(SOUND)) == ({"a": [1]}, {"a": [1]})


async def test_a_ledger_on_its_pause_is_not_asked_for(desk: Desk) -> None:
    reader = Sick(sick={SICK: BrokenLedger("this one only")})
    delivery, (record,) = Delivery(desk.follower(reader), "g"), await records(desk, SICK)
    await delivery.take([record])
    assert reader.attempts == 2
    await delivery.take([record])
    assert reader.attempts == 2
    reader.sick = {}
    await asyncio.sleep(0.3)
    await delivery.take([record])
    assert await desk.told(SICK) == {"a": [1]}


async def test_a_reader_that_somebody_moved_is_no_sick_ledger(desk: Desk) -> None:
    """Also where it shows while what is missing is read from the owner."""
    follower = desk.follower(Sick())
    await desk.append("a", SOUND)
    reading, moved = follower.read_on, [PositionMoved("by another instance")]

    async def read_on(ledger: LedgerId, reached: int | None = None) -> tuple[int, bool]:
        if moved:
            raise moved.pop()
        return await reading(ledger, reached)

    follower.read_on = read_on  # type: ignore[method-assign]
    with structlog.testing.capture_logs() as logs:
        await Delivery(follower, "g").take(await records(desk, SOUND))
    assert await desk.told(SOUND) == {"a": [1, 2]}
    assert [line["log_level"] for line in logs] == ["warning", "info", "warning"]


async def test_a_stop_is_heard_while_a_ledger_is_sick(desk: Desk) -> None:
    reader = Sick(sick={SICK: BrokenLedger("this one only")})
    taking = asyncio.create_task(Delivery(desk.follower(reader), "g").take(await records(desk, SICK)))
    while not reader.attempts:
        await asyncio.sleep(0)
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
