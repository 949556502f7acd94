"""What a reader cannot take holds up its own case and no other, whoever delivers and however often."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import text

from eventlog.errors import UnreadableRecord
from eventlog.ledger import Recorded
from eventlog.redrive import redrive
from tests.eventlog.making import catch_up
from tests.eventlog.picky import BAD, LEDGER, Desk


async def test_the_case_waits_and_all_others_go_on(desk: Desk) -> None:
    await desk.append("abcabcabc")
    desk.reader.poison = {5}
    assert await catch_up(desk.follower(), LEDGER) == 9
    assert await desk.told() == {"a": [1, 4, 7], "b": [2], "c": [3, 6, 9]}
    assert await desk.held() == {5: BAD.format(5), 8: "waiting"}


async def test_later_batches_of_the_case_wait_too(desk: Desk) -> None:
    desk.reader.poison = {2}
    for cases in ("ab", "ba", "bb"):
        await desk.append(cases)
        await catch_up(desk.follower(), LEDGER)
    assert await desk.told() == {"a": [1, 4]}
    assert await desk.held() == {2: BAD.format(2), 3: "waiting", 5: "waiting", 6: "waiting"}


async def test_an_event_without_a_case_holds_up_its_stream_alone(desk: Desk) -> None:
    await desk.append("-a-")
    desk.reader.poison = {1}
    await catch_up(desk.follower(), LEDGER)
    assert await desk.told() == {"a": [2], "s3": [3]}


async def test_what_is_delivered_again_stays_held_once(desk: Desk) -> None:
    await desk.append("abab")
    desk.reader.poison = {2}
    follower = desk.follower()
    events = await follower.source.read("GM0984", 0)
    for start, end in ((0, 3), (1, 4), (0, 4)):
        await follower.deliver(LEDGER, events[start:end])
    assert await desk.told() == {"a": [1, 3]}
    assert await desk.held() == {2: BAD.format(2), 4: "waiting"}


async def test_an_instance_that_waited_for_the_lock_sees_what_the_other_held(desk: Desk) -> None:
    await desk.append("abb")
    events = await desk.follower().source.read("GM0984", 0)
    await desk.follower().deliver(LEDGER, events[:1])
    follower = desk.follower()
    assert follower.quarantine is not None

    async def cannot(given: Sequence[Recorded]) -> None:
        if given:
            raise UnreadableRecord("casework/GM0984/2: cannot be read")

    async with follower.positions.begin() as tx:
        await follower.positions.lock(tx, "picky", LEDGER)
        waiting = asyncio.create_task(follower.deliver(LEDGER, events))
        await asyncio.sleep(0.2)
        await follower.quarantine.take(tx, "picky", LEDGER, events[1:2], cannot)
        await follower.positions.move(tx, "picky", LEDGER, 1, 2)
    await waiting
    assert (await desk.told(), await desk.held()) == ({"a": [1]}, {2: BAD.format(2), 3: "waiting"})


async def test_a_good_batch_asks_nothing_of_the_quarantine(desk: Desk) -> None:
    """Nor does one after a redrive that left nothing."""
    await desk.append("abab")
    desk.reader.poison = {2}
    await catch_up(desk.follower(), LEDGER)
    desk.reader.poison = set()
    await redrive(desk.follower(), LEDGER, "b")
    before = await _scans(desk)
    await desk.append("abab")
    await catch_up(desk.follower(), LEDGER)
    assert await _scans(desk) == before
    assert desk.reader.batches[-1] == 4


async def _scans(desk: Desk) -> int:
    """How often the table was looked into, once every connection has told."""
    await desk.engine.dispose()
    query = "SELECT coalesce(sum(seq_scan + idx_scan), 0) FROM pg_stat_user_tables WHERE relname = 'quarantine'"
    others = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'spoorboek casework'"
    while True:
        async with desk.engine.connect() as connection:
            if (await connection.execute(text(others))).scalar_one() == 1:
                return int((await connection.execute(text(query))).scalar_one())


async def test_one_bad_event_in_a_thousand_costs_some_twenty_attempts(desk: Desk) -> None:
    await desk.append("".join(chr(0x4E00 + number) for number in range(1000)))
    desk.reader.poison = {613}
    await catch_up(desk.follower(), LEDGER)
    assert len(desk.reader.batches) <= 22
    assert list(await desk.held()) == [613]


async def test_without_a_quarantine_a_publisher_stands_still(desk: Desk) -> None:
    await desk.append("ab")
    desk.reader.poison = {1}
    follower = desk.follower()
    follower.quarantine = None
    with pytest.raises(UnreadableRecord):
        await catch_up(follower, LEDGER)
    assert (await desk.told(), await desk.held()) == ({}, {})
