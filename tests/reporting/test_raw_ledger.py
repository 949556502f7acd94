"""Raw rows: the leaf made of one is the leaf of the event, and a hole is named."""

from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url

from eventlog.errors import BrokenLedger
from eventlog.ledger import LedgerId, Recorded
from eventlog.merkle import Frontier, leaf_hash
from services.reporting.raw_ledger import RawLedger, day
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


def as_row(event: Recorded) -> tuple[Any, ...]:
    """As the driver gives it: days and microseconds since 2000."""
    days = event.occurred_on.toordinal() - datetime(2000, 1, 1, tzinfo=UTC).toordinal()
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
    await casework.writes([CaseStory("a").opened(day(0)).contact(day(1), 10).closed(day(2))])
    dsn = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(dsn)
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
