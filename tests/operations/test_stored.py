"""What a service's tables say of its ledgers: how large each is, and whether it is a demonstration's."""

from dataclasses import replace

from eventlog.engine import make_engine
from eventlog.ledger import Append
from eventlog.postgres import PostgresLedger
from services.runtime.stored import ledgers
from tests.eventlog.making import append, event


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
