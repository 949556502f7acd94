"""Reading a ledger: verified, built anew into facts, and carried over the bus, each beside its bare limit."""

from hashlib import sha256
from time import perf_counter

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.ledgers import FACTS_PER_CASE, fill
from bench.measured import Measured, Ratio, Section, rate, repeat
from eventlog.ledger import LedgerId, Recorded
from eventlog.postgres import PostgresLedger, make_engine
from eventlog.reader import Follower, LedgerSource, Positions
from eventlog.verification import verify
from services.reporting.reader import FactsReader
from services.reporting.rebuild import rebuild
from tests.reporting.made import PROGRAMMES

SECOND = "GM0985"
AT_ONCE = 5000


async def bare_read(database_url: str, gemeente: str) -> int:
    """An ordered read of the same rows with the driver alone."""
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    position, query = (
        0,
        "SELECT * FROM casework.events WHERE gemeente = $1 AND position > $2 ORDER BY position LIMIT $3",
    )
    while rows := await connection.fetch(query, gemeente, position, AT_ONCE):
        position = rows[-1]["position"]
    await connection.close()
    return int(position)


async def verifying(database_url: str, gemeente: str, size: int, repeats: int) -> Section:
    engine = make_engine(database_url, "casework")
    ledger = PostgresLedger(engine, "casework")

    async def all_verified() -> float:
        return await rate(size, lambda: verify(ledger, gemeente))

    leaves = [event.leaf() for event in await _everything(ledger, gemeente)]

    async def hashed() -> float:
        return _hash_rate(leaves)

    ours = Measured("verify a ledger in PostgreSQL: read, positions, versions, tree", "events/s",
                    await repeat(repeats, all_verified))  # fmt: skip
    bare = Measured("SHA-256 alone: one leaf and one node an event, nothing read", "events/s",
                    await repeat(repeats, hashed))  # fmt: skip
    await engine.dispose()
    how = f"{size} events of one ledger, one process."
    return Section("Verify a ledger", how, (ours, bare), (Ratio(ours, bare, None, share=True),))


async def rebuilding(database_url: str, gemeente: str, size: int, repeats: int, peer: Measured) -> Section:
    engine = make_engine(database_url, "reporting")
    await _read_by_reporting(engine, gemeente)

    async def built(events: int) -> float:
        return await rate(events, lambda: rebuild(engine, PROGRAMMES, lambda *_: None))

    async def read() -> float:
        return await rate(size, lambda: bare_read(database_url, gemeente))

    ours = Measured("rebuild of every projection, compared row by row and switched to", "events/s",
                    await repeat(repeats, lambda: built(size)))  # fmt: skip
    bare = Measured("bare ordered read of the same rows", "events/s", await repeat(repeats, read))
    second = await fill(database_url, SECOND, size // (2 * FACTS_PER_CASE))
    await _read_by_reporting(engine, SECOND)
    both = Measured("the same rebuild of two such ledgers", "events/s",
                    await repeat(repeats, lambda: built(size + second)))  # fmt: skip
    await engine.dispose()
    how = f"{size} events of one ledger; the peer reads its own log into objects and stores or compares nothing."
    ratios = (Ratio(ours, peer, 2), Ratio(ours, bare, 0.4, share=True), Ratio(both, ours, 1.6))
    return Section("Rebuild", how, (ours, both, peer, bare), ratios)


async def _read_by_reporting(engine: AsyncEngine, gemeente: str) -> None:
    """The live facts, to which a rebuild compares."""
    reader, source = FactsReader(PROGRAMMES), LedgerSource(PostgresLedger(engine, "casework"))
    async with engine.begin() as tx:
        await reader.start(tx)
    await Follower(reader, Positions(engine, "reporting"), source).catch_up(LedgerId("casework", gemeente))


async def _everything(ledger: PostgresLedger, gemeente: str) -> list[Recorded]:
    async with ledger.begin() as tx:
        return await ledger.read(tx, gemeente, 0, 1_000_000)


def _hash_rate(leaves: list[bytes]) -> float:
    started, node = perf_counter(), bytes(32)
    for leaf in leaves:
        node = sha256(b"\x01" + node + sha256(b"\x00" + leaf).digest()).digest()
    return len(leaves) / (perf_counter() - started)
