"""Raw rows: the leaf made of one is the leaf of the event, and a hole is named."""

from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url

from eventlog.errors import BrokenLedger
from eventlog.ledger import Append, LedgerId, NewEvent, Recorded
from eventlog.merkle import Frontier, leaf_hash
from schemas.submission import SubmissionApplied
from services.reporting.raw_ledger import READ, RawLedger, day
from tests.reporting.made import GEMEENTE, CaseStory, Casework

LEDGER = LedgerId("casework", GEMEENTE)
MADE_UP = st.builds(
    Recorded,
    ledger=st.just(LEDGER),
    position=st.integers(1, 2**60),
    stream=st.text(),
    version=st.integers(1, 2**30),
    type=st.text(),
    occurred_on=st.dates(),
    recorded_at=st.datetimes(timezones=st.just(UTC)),
    partner=st.text(),
    correlation=st.text(),
    causation=st.text(),
    data=st.binary(),
    case=st.text(),
)


_ENDLESS = {date.min: -(2**31), date.max: 2**31 - 1}


def as_row(event: Recorded) -> tuple[Any, ...]:
    """As the driver gives it: days and microseconds since 2000, but for the first and the last day there is."""
    since_2000 = event.occurred_on.toordinal() - datetime(2000, 1, 1, tzinfo=UTC).toordinal()
    days = _ENDLESS.get(event.occurred_on, since_2000)
    since = event.recorded_at - datetime(2000, 1, 1, tzinfo=UTC)
    microseconds = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    about = (event.position, event.stream, event.version, event.type, days, microseconds)
    return (*about, event.partner, event.correlation, event.causation, event.data, event.case, True)


@given(events=st.lists(MADE_UP, max_size=4))
def test_the_leaf_of_a_raw_row_is_that_of_the_event(events: list[Recorded]) -> None:
    rows = [as_row(event) for event in events]
    assert RawLedger(None, LEDGER).leaf_hashes(rows) == [leaf_hash(event.leaf()) for event in events]
    assert [day(row[4]) for row in rows] == [one.occurred_on for one in events]


async def test_what_is_read_has_the_root_of_the_head_and_a_hole_is_named(casework: Casework, database_url: str) -> None:
    await casework.writes([CaseStory("a").opened(date.min).contact(date(1999, 12, 31), 10).closed(date.max)])
    connection = await connected(database_url)
    ledger = await RawLedger(connection, LEDGER).open()
    for at_once in (1, 2, 3, 4):
        batches = [rows async for rows in ledger.batches(0, 3, at_once)]
        frontier = Frontier()
        for rows in batches:
            assert len(rows) <= at_once
            frontier = frontier.extend(ledger.leaf_hashes(rows))
        assert (frontier.size, frontier.root) == (3, (await ledger.head()).root)
        with pytest.raises(BrokenLedger, match="casework/GM0984/4 is missing"):
            [rows async for rows in ledger.batches(0, 4, at_once)]
    assert [rows async for rows in ledger.batches(3, 3, 1)] == []
    await connection.close()


async def test_each_event_comes_with_whether_the_trail_has_of_it_what_it_should(
    casework: Casework, database_url: str
) -> None:
    applied = NewEvent(SubmissionApplied.type, b"{}", day(0), "p", "c", "c", "")
    await casework.writes([CaseStory("a").opened(day(0)).contact(day(1), 10).closed(day(2))])
    async with casework.ledger.begin() as tx:
        await casework.ledger.append(tx, GEMEENTE, [Append("submission", 0, (applied,))])
    await casework.read_by_reporting()
    connection = await connected(database_url)
    await connection.execute("UPDATE reporting.case_events SET partner = 'another' WHERE position = 2")
    await connection.execute("DELETE FROM reporting.case_events WHERE position = 3")
    ledger = await RawLedger(connection, LEDGER).open()
    ((*rows,),) = [rows async for rows in ledger.batches(0, 4, 4)]
    assert [row[-1] for row in rows] == [True, False, False, True]
    await connection.close()


async def test_no_event_is_looked_for_in_the_whole_batch(casework: Casework, database_url: str) -> None:
    """Which a plan does that was made before statistics were taken, as after a restore."""
    await casework.writes([CaseStory("a").opened(day(0))])
    connection = await connected(database_url)
    await RawLedger(connection, LEDGER).open()
    plan = await connection.fetch(f"EXPLAIN {READ}", GEMEENTE, 0, 1000)
    assert "Nested Loop" not in "".join(row[0] for row in plan)
    await connection.close()


async def connected(database_url: str) -> Any:
    dsn = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    return await asyncpg.connect(dsn)
