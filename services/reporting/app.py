"""Reporting as a service: it follows casework's ledger, and shows figures to people and machines."""

from collections.abc import Sequence

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncConnection

from services.reporting.api import make_api
from services.reporting.copies import under_way
from services.reporting.figures import Figures
from services.reporting.pages import Pages
from services.reporting.printed import load_evaluations
from services.reporting.reader import FactsReader
from services.runtime import Parts, Service
from services.runtime.standing import Building


def build(parts: Parts) -> Service:
    """Reporting needs no vault and writes no ledger; `start` finds or makes the live generation of the facts."""
    figures = Figures(parts.engine)
    reader = FactsReader(parts.programmes)
    router = APIRouter()
    router.include_router(make_api(figures, parts.programmes))
    router.include_router(Pages(figures, parts.programmes, load_evaluations()).router())

    async def start() -> None:
        async with parts.engine.begin() as tx:
            await reader.start(tx)

    async def join() -> None:
        async with parts.engine.connect() as connection:
            await reader.join(connection)

    async def building(connection: AsyncConnection) -> Sequence[Building]:
        await reader.look(connection)
        return await under_way(connection)

    return Service(
        "reporting", router, writes_ledger=False, readers=(reader,), start=start, join=join, building=building
    )
