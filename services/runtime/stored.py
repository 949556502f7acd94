"""What a service's own tables say of how it stands: its ledgers, what is held, what is being built."""

from collections.abc import Sequence

from sqlalchemy import exists, func, select
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from eventlog.quarantine import QUARANTINED
from eventlog.tables import events_table, heads_table, quarantine_table
from schemas.event import SYNTHETIC_PREFIX
from services.runtime.parts import Service
from services.runtime.standing import Building, Held, LedgerStanding


async def building(connection: AsyncConnection, service: Service) -> Sequence[Building]:
    if service.building is None:
        return ()
    try:
        async with connection.begin_nested():  # What goes wrong in it is not to end the look.
            return await service.building(connection)
    except ProgrammingError:
        return ()  # A generation went between two questions about it.


async def ledgers(connection: AsyncConnection, service: str) -> list[LedgerStanding]:
    heads, events = heads_table(service), events_table(service)
    at_an_end = events.c.position.in_([1, heads.c.size])
    made_up = events.c.partner.startswith(SYNTHETIC_PREFIX, autoescape=True)
    synthetic = exists().where(events.c.gemeente == heads.c.gemeente, at_an_end, made_up)
    query = select(heads.c.gemeente, heads.c.size, heads.c.root, synthetic.label("synthetic"))
    rows = await connection.execute(query.order_by(heads.c.gemeente))
    return [LedgerStanding(service, row.gemeente, row.size, row.root.hex(), row.synthetic) for row in rows]


async def held(connection: AsyncConnection, service: str, readers: Sequence[str]) -> Held:
    """What its `readers` hold: a generation that nobody reads keeps what it held, and nobody waits for that."""
    table = quarantine_table(service)
    query = select(table.c.status, func.count()).where(table.c.reader.in_(readers)).group_by(table.c.status)
    counts = {status: count for status, count in await connection.execute(query)}
    quarantined = counts.pop(QUARANTINED, 0)
    return Held(quarantined, sum(counts.values()))
