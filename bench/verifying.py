"""Verifying a ledger, beside its bare limit."""

from hashlib import sha256
from time import perf_counter

from bench.measured import Measured, Ratio, Section, in_turn, rate
from eventlog.engine import make_engine
from eventlog.ledger import Recorded
from eventlog.postgres import PostgresLedger
from eventlog.verification import verify


async def verifying(database_url: str, gemeente: str, size: int, repeats: int) -> Section:
    engine = make_engine(database_url, "casework")
    ledger = PostgresLedger(engine, "casework")

    async def all_verified() -> float:
        return await rate(size, lambda: verify(ledger, gemeente))

    leaves = [event.leaf() for event in await _everything(ledger, gemeente)]

    async def hashed() -> float:
        return _hash_rate(leaves)

    verified, alone = await in_turn(repeats, all_verified, hashed)
    ours = Measured("verify a ledger in PostgreSQL: read, positions, versions, tree", "events/s", verified)
    bare = Measured("SHA-256 alone: one leaf and one node an event, nothing read", "events/s", alone)
    await engine.dispose()
    how = f"{size} events of one ledger, one process."
    return Section("Verify a ledger", how, (ours, bare), (Ratio(ours, bare, None, share=True),))


async def _everything(ledger: PostgresLedger, gemeente: str) -> list[Recorded]:
    async with ledger.begin() as tx:
        return await ledger.read(tx, gemeente, 0, 1_000_000)


def _hash_rate(leaves: list[bytes]) -> float:
    started, node = perf_counter(), bytes(32)
    for leaf in leaves:
        node = sha256(b"\x01" + node + sha256(b"\x00" + leaf).digest()).digest()
    return len(leaves) / (perf_counter() - started)
