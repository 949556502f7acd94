"""Readiness fails on lag: an event that lies too long before a reader that does not move."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from structlog.testing import capture_logs

from eventlog.ledger import LedgerId, Recorded
from services.runtime.lags import Lags
from services.runtime.standing import LedgerLag, ReaderStanding, Standing
from services.runtime.telling import tell
from services.runtime.watch import Watch
from tests.eventlog.making import GEMEENTE
from tests.journey.world import COACH, World, enquiry, settings_for
from tests.operations.conftest import Clock, world_of
from tests.operations.made import follower_at, write_more


async def test_who_is_behind_and_moves_is_not_stuck_and_who_stands_still_is() -> None:
    clock = Clock()
    lags = Lags(60, clock.now, clock.monotonic)
    position = {"intake/GM0984": 0}
    follower = await follower_at(position, clock, events=5)

    async def lag() -> LedgerLag:
        (found,) = (await lags.of("casework", follower)).ledgers or ()
        return found

    assert await lag() == LedgerLag(GEMEENTE, 5, 0.0, stuck=False)
    clock.seconds = 59
    assert await lag() == LedgerLag(GEMEENTE, 5, 59.0, stuck=False)
    clock.seconds = 61
    assert await lag() == LedgerLag(GEMEENTE, 5, 61.0, stuck=True)
    position["intake/GM0984"] = 1
    assert await lag() == LedgerLag(GEMEENTE, 4, 61.0, stuck=False), "late, but it moves"
    clock.seconds = 125
    assert (await lag()).stuck
    position["intake/GM0984"] = 5
    assert await lag() == LedgerLag(GEMEENTE, 0, 0.0, stuck=False)


async def test_who_had_everything_for_long_is_not_stuck_when_something_comes() -> None:
    clock = Clock()
    lags = Lags(60, clock.now, clock.monotonic)
    follower = await follower_at({"intake/GM0984": 5}, clock, events=5)
    await lags.of("casework", follower)
    clock.seconds = 3600
    await write_more(follower)
    assert (await lags.of("casework", follower)).ledgers == (LedgerLag(GEMEENTE, 1, 0.0, stuck=False),)


async def test_where_there_is_no_time_to_ask_how_old_it_is_who_stands_still_is_stuck_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As with hundreds of ledgers, each asked over a slow line: the owner answers, and nothing moves."""
    clock = Clock()
    lags = Lags(60, clock.now, clock.monotonic)
    follower = await follower_at({"intake/GM0984": 5}, clock, events=5)
    monkeypatch.setattr("services.runtime.lags._AGES_PATIENCE_SECONDS", 0.01)

    async def never(*_: object) -> list[Recorded]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(follower.source, "read", never)
    assert (await lags.of("casework", follower)).ledgers == (LedgerLag(GEMEENTE, 0, 0.0),)
    await write_more(follower)
    for seconds, still, stuck in ((3600, 0.0, False), (3661, 61.0, True)):
        clock.seconds = seconds
        assert (await lags.of("casework", follower)).ledgers == (LedgerLag(GEMEENTE, 1, still, stuck),)


def test_a_hundred_that_stand_still_at_once_are_told_in_six_lines() -> None:
    ledgers = tuple(LedgerLag(f"GM{number:04}", 1, 61.0, stuck=True) for number in range(100))
    still = Standing(True, {}, (), readers=(ReaderStanding("reporting", "facts_1", "casework", ledgers),))
    well = Standing(True, {}, ())
    with capture_logs() as logs:
        tell(well, still)
        tell(still, well)
    assert [line["event"] for line in logs] == ["reader stands still"] * 6 + ["reader moves again"] * 6
    assert [line.get("more") for line in logs[4:6]] == [None, 95]


@pytest.mark.parametrize("left", [1, 0])
async def test_a_ledger_that_was_put_back_behind_its_reader_is_said_at_once(database_url: str, left: int) -> None:
    """To its first event of two, or to before it began."""
    async with world_of(settings_for(database_url, None), Clock()) as world:
        answer = await world.client.post("/v1/events", json=[enquiry("C1", "2023-03-01")], headers=_BATCH)
        assert answer.status_code == 200, answer.text
        await world.settle()
        before = await world.process.watch.look()
        owner = create_async_engine(database_url)
        async with owner.begin() as tx:
            await tx.execute(text("ALTER TABLE casework.events DISABLE TRIGGER USER"))
            await tx.execute(text("DELETE FROM casework.events WHERE position > :left"), {"left": left})
            await tx.execute(text(f"UPDATE casework.heads SET size = {left}" if left else "DELETE FROM casework.heads"))
        await owner.dispose()
        ready = await world.client.get("/health/ready")
        page = (await world.client.get("/beheer")).text
        behind = await world.process.watch.look()
    facts = "reporting facts_1 at casework/GM0984"
    assert (ready.status_code, ready.json()["status"]) == (503, "reader stands still")
    assert facts in ready.json()["stuck"]
    assert f"Grootboek casework/GM0984 mist {2 - left} gebeurtenis" in page
    assert "die lezer facts_1 van reporting al heeft gehad" in page
    with capture_logs() as logs:
        tell(before, behind)
        tell(behind, behind)
        tell(behind, before)
    told = [line["event"].partition(":")[0] for line in logs if line["reader"] == facts]
    assert told == [
        "reader stands still",
        "the ledger lacks events that its reader has had",
        "the ledger is as long again as its reader has read",
    ]


async def test_a_reader_that_stands_still_is_named_and_is_ready_again_when_it_moves(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    async with world_of(settings_for(database_url, None), clock) as world:
        assert (await world.client.get("/health/ready")).json()["status"] == "ready"
        with monkeypatch.context() as broken:
            broken.setattr(_facts(world), "handle", _unreachable)
            answer = await world.client.post("/v1/events", json=[enquiry("C1", "2023-03-01")], headers=_BATCH)
            assert answer.status_code == 200, answer.text
            await _until_casework_is_done(world)
            assert (await world.client.get("/health/ready")).status_code == 200, "it may take a while"
            await _let_pass(world, clock, 61)
            stuck = await world.client.get("/health/ready")
            page = (await world.client.get("/beheer")).text
            gauges = _values((await world.client.get("/metrics")).text)
            accepting = await world.client.get("/health/accepting")
        await world.settle()
        healthy = await world.client.get("/health/ready")

    said = stuck.json()
    assert (stuck.status_code, said["status"], said["away"]) == (503, "reader stands still", [])
    assert stuck.headers["Retry-After"] == "5"
    assert said["stuck"] == ["reporting facts_1 at casework/GM0984"]
    (facts,) = [reader for reader in said["readers"] if reader["service"] == "reporting"]
    assert (facts["eventsBehind"], facts["secondsBehind"], facts["stuck"]) == (2, 61.0, True)
    assert "staat stil in casework/GM0984" in page
    where = 'gemeente="GM0984",reader="facts_1",service="reporting",source="casework"'
    assert gauges[f"spoorboek_reader_events_behind{{{where}}}"] == 2
    assert gauges[f"spoorboek_reader_seconds_behind{{{where}}}"] == 61
    assert gauges[f"spoorboek_reader_stuck{{{where}}}"] == 1
    assert gauges["spoorboek_ready"] == 0
    assert accepting.status_code == 200, "submissions are durable all the same"
    assert (healthy.status_code, healthy.json()["status"]) == (200, "ready")


async def _unreachable(tx: AsyncConnection, ledger: LedgerId, events: Sequence[Recorded]) -> None:
    raise ConnectionError("not now")


async def _until_casework_is_done(world: World) -> None:
    """Returns when only the facts wait, for both of casework's events."""
    async with asyncio.timeout(10):
        while [(await one.lag()).behind for one in world.process.followers] != [0, 0, 2]:
            await asyncio.sleep(0.02)


async def _let_pass(world: World, clock: Clock, seconds: float) -> None:
    await world.process.watch.look()
    clock.seconds += seconds


def _facts(world: World) -> object:
    return next(one.reader for one in world.process.followers if one.reader.name.startswith("facts"))


def _values(exposed: str) -> Mapping[str, float]:
    lines = (line.rsplit(" ", 1) for line in exposed.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in lines}


_BATCH = {"Content-Type": "application/cloudevents-batch+json", "Authorization": f"Bearer {COACH.bearer_key}"}


async def test_who_shares_a_look_that_fails_is_not_shown_an_older_one(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    watch = Watch([], None, lag_seconds=60, clock=clock.now, monotonic=clock.monotonic)
    assert not (await watch.look()).away

    async def fails() -> Standing:
        await asyncio.sleep(0)
        raise AssertionError("ours")

    monkeypatch.setattr(watch, "_look", fails)
    looks = await asyncio.gather(*(watch.look() for _ in range(3)), return_exceptions=True)
    assert [type(look) for look in looks] == [AssertionError] * 3
