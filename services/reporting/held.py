"""What a generation of the facts holds in quarantine: cases that are not counted from an event on.

Nothing of these is lost, and no figure may be shown as if there were none.
"""

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.reporting.kept_generations import reader_name

_HELD = "SELECT ledger, case_id{} FROM reporting.quarantine WHERE status = 'quarantined' AND reader = '{}'"


async def held_by_ledger(tx: AsyncConnection, number: int) -> Mapping[str, int]:
    """How many cases generation `number` holds, by the ledger's name; those that hold none are not there."""
    held = _HELD.format("", reader_name(number))
    query = text(f"SELECT ledger, count(*) FROM ({held}) AS cases GROUP BY ledger")
    return {ledger: count for ledger, count in await tx.execute(query)}


async def held_cases(tx: AsyncConnection, number: int) -> int:
    """How many cases generation `number` holds in all."""
    return sum((await held_by_ledger(tx, number)).values())


async def is_held(tx: AsyncConnection, number: int, ledger: str, case: str) -> bool:
    held = _HELD.format("", reader_name(number))
    query = text(f"SELECT EXISTS ({held} AND ledger = :ledger AND case_id = :case)")
    return bool((await tx.execute(query, {"ledger": ledger, "case": case})).scalar_one())


async def counted_again(tx: AsyncConnection, live: int, built: int) -> int:
    """How many cases are held in `live` and not in `built`."""
    was, now = [_HELD.format("", reader_name(number)) for number in (live, built)]
    return int((await tx.execute(text(f"SELECT count(*) FROM ({was} EXCEPT {now}) AS cases"))).scalar_one())


async def held_apart(tx: AsyncConnection, live: int, built: int) -> int:
    """How many cases one of them holds and the other does not, or from another event on."""
    query = f"SELECT count(DISTINCT (ledger, case_id)) FROM ({holding_apart(live, built)}) AS apart"
    return int((await tx.execute(text(query))).scalar_one())


def holding_apart(live: int, built: int) -> str:
    """A query for these: ledger, case_id, position; a case may be there twice."""
    one, other = [_HELD.format(", position", reader_name(number)) for number in (live, built)]
    return f"({one} EXCEPT {other}) UNION ALL ({other} EXCEPT {one})"
