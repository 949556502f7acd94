"""What the bus no longer has comes from the ledger's owner: nothing is lost with a topic's records or a day's work."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import make_url

from eventlog.reader import LedgerSource
from eventlog.wire import outgoing
from schemas.case import CaseOpened
from tests.journey.apart import Apart, apart, facts, settled
from tests.journey.conftest import started
from tests.journey.world import ended, enquiry, settings_for
from tests.parts.postgres import Postgres


@pytest.fixture
async def others(database_url: str, empty_kafka: str) -> AsyncIterator[Apart]:
    async with apart(database_url, empty_kafka) as others:
        yield others


@pytest.fixture
async def reporting_url(postgres: Postgres, migrated_template: str) -> AsyncIterator[str]:
    async with postgres.database(template=migrated_template) as url:
        yield url


def day(number: int) -> list[dict[str, Any]]:
    """One day's work: a case that opens, one that opens and ends."""
    date = f"2023-02-{number:02d}"
    return [enquiry(f"open-{number}", date), enquiry(f"ended-{number}", date), ended(f"ended-{number}", "2023-03-01")]


async def cases(url: str) -> int:
    return len((await facts(url))["segments"])


async def test_a_reader_goes_on_past_what_the_topic_has_dropped(others: Apart, reporting_url: str) -> None:
    await others.send(*day(1))
    await others.forget()
    async with others.reporting(reporting_url, watched=False) as reporting:
        await others.send(*day(2))
        await settled(reporting)
    assert await cases(reporting_url) == 4


async def test_a_reader_catches_up_though_nothing_more_arrives(others: Apart, reporting_url: str) -> None:
    await others.send(*day(1))
    await others.forget()
    async with others.reporting(reporting_url) as reporting:
        await settled(reporting)
    assert await cases(reporting_url) == 2


async def test_a_topic_that_was_made_anew_loses_nothing(others: Apart, reporting_url: str) -> None:
    async with others.reporting(reporting_url) as reporting:
        await others.send(*day(1))
        await settled(reporting)
        await others.make_topic_anew()
        await others.send(*day(2))
        await settled(reporting)
    assert await cases(reporting_url) == 4


async def test_what_the_topic_has_of_before_and_the_ledger_lost_counts_nowhere(
    database_url: str, empty_kafka: str
) -> None:
    """As after a restore of the whole: the bus brings on what stood behind the end that the ledger has now."""
    async with started(settings_for(database_url, empty_kafka)) as world:
        await world.send(enquiry("left", "2023-02-01"))
        await world.settle()
        source = LedgerSource(world.process.parts["casework"].ledger)
        *_, opened, _ = await source.read("GM0984", 0)
    lost = CaseOpened.decode(opened.data).model_copy(update={"case": "f" * 32})
    ghost = replace(opened, position=3, stream=f"case-{lost.case}", case=lost.case, data=lost.encode())
    async with started(settings_for(database_url, empty_kafka)) as world:
        assert world.process._kafka is not None
        await world.process._kafka.publish([outgoing(ghost)])
        await world.send(enquiry("new", "2023-02-02"))
        await world.settle()
        assert await world.value("new") == 2
    assert "f" * 32 not in str(await facts(database_url))


async def test_a_database_from_a_day_old_dump_catches_up_to_the_same_rows(
    others: Apart, reporting_url: str, postgres: Postgres
) -> None:
    """The consumer group has had everything, so the broker brings the restored database nothing of what it misses."""
    async with others.reporting(reporting_url) as reporting:
        await others.send(*day(1))
        await settled(reporting)
    dumped = make_url(reporting_url).database
    assert dumped is not None
    async with postgres.database(template=dumped) as day_old_url:
        async with others.reporting(reporting_url) as reporting:
            await others.send(*day(2), ended("open-1", "2023-04-01"))
            await settled(reporting)
        assert await facts(day_old_url) != await facts(reporting_url)
        async with others.reporting(day_old_url) as reporting:
            await settled(reporting)
        assert await facts(day_old_url) == await facts(reporting_url)
