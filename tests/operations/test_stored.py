"""What a service's tables say: how large each ledger is, whether it is a demonstration's, which facts are live."""

from dataclasses import replace

from eventlog.engine import make_engine
from eventlog.ledger import Append
from eventlog.postgres import PostgresLedger
from services.reporting.rebuild import rebuild
from services.runtime.stored import ledgers
from tests.eventlog.making import append, event
from tests.journey.world import settings_for
from tests.operations.conftest import world_of


async def test_a_ledger_with_a_synthetic_partner_at_an_end_is_a_demonstrations(database_url: str) -> None:
    engine = make_engine(database_url, "casework")
    ledger = PostgresLedger(engine, "casework")
    real = Append("a", 0, (replace(event(), partner="synthese"),))
    async with ledger.begin() as tx:
        await ledger.append(tx, "GM0001", [real])
        await ledger.append(tx, "GM0002", [real, append("b")])
        await ledger.append(tx, "GM0003", [append("b"), real])
        found = await ledgers(tx, "casework")
    await engine.dispose()
    assert [(one.gemeente, one.size, one.synthetic) for one in found] == [
        ("GM0001", 1, False),
        ("GM0002", 2, True),
        ("GM0003", 2, True),
    ]


async def test_facts_that_were_switched_are_seen_where_no_event_comes(database_url: str) -> None:
    async with world_of(settings_for(database_url, None)) as world:
        reporting = world.process.parts["reporting"]
        await rebuild(reporting.engine, reporting.programmes, lambda *_: None)
        standing = await world.process.watch.look()
    assert [one.reader for one in standing.readers if one.service == "reporting"] == ["facts_2"]
