"""Old history counts the same for ever: reporting's facts and every figure over a kept casework ledger."""

from pathlib import Path

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import create_async_engine

from eventlog.engine import make_engine
from eventlog.ledger import LedgerId, Recorded
from eventlog.positions import Positions
from eventlog.postgres import PostgresLedger
from eventlog.reader import Follower, LedgerSource
from eventlog.tables import events_table, heads_table
from services.reporting.reader import FactsReader
from tests.eventlog.making import catch_up
from tests.histories.counted import facts_of, figures_of
from tests.histories.kept import History, histories
from tests.histories.test_histories import within


async def put_back(database_url: str, events: list[Recorded]) -> None:
    """As a restore would: the events and the size, without appending anything anew."""
    rows = [
        {
            "gemeente": event.ledger.gemeente,
            "position": event.position,
            "stream": event.stream,
            "version": event.version,
            "type": event.type,
            "occurred_on": event.occurred_on,
            "recorded_at": event.recorded_at,
            "partner": event.partner,
            "correlation": event.correlation,
            "causation": event.causation,
            "data": event.data,
            "case_id": event.case,
        }
        for event in events
    ]
    head = {
        "gemeente": "GM0984",
        "size": len(events),
        "frontier": b"",
        "root": b"",
        "recorded_at": events[-1].recorded_at,
    }
    owner = create_async_engine(database_url)
    async with owner.begin() as tx:
        await tx.execute(insert(events_table("casework")), rows)
        await tx.execute(insert(heads_table("casework")).values(head))
    await owner.dispose()


@pytest.mark.parametrize("kept", histories(), ids=lambda history: Path(history.folder).name)
async def test_facts_and_figures_are_what_they_were(kept: History, database_url: str) -> None:
    await put_back(database_url, kept.ledger("casework"))
    engine = make_engine(database_url, "reporting")
    reader = FactsReader(kept.programmes)
    source = LedgerSource(PostgresLedger(engine, "casework"))
    await catch_up(Follower(reader, Positions(engine, "reporting"), source), LedgerId("casework", "GM0984"))
    facts, figures = await facts_of(engine), await figures_of(engine, kept.programmes)
    await engine.dispose()
    assert within(kept.expected["facts"], facts)
    assert {name: figures.get(name) for name in kept.expected["figures"]} == kept.expected["figures"]
