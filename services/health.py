"""Whether this process lives and is ready: the database answers, and how far behind each of its readers is."""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import APIRouter
from fastapi.responses import JSONResponse
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from eventlog.errors import EventlogError
from eventlog.reader import Follower

_PATIENCE_SECONDS = 5

log = structlog.get_logger()


def health_router(engine: AsyncEngine, followers: Sequence[Follower]) -> APIRouter:
    """`followers` may still grow after this call; each is named with the events it is behind."""
    router = APIRouter(prefix="/health", include_in_schema=False)

    @router.get("/live")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @router.get("/ready")
    async def ready() -> JSONResponse:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                async with engine.connect() as connection:
                    await connection.execute(text("SELECT 1"))
                readers = [await _lag(follower) for follower in followers]
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("not ready", error=type(error).__name__)
            return JSONResponse({"status": "database away"}, 503)
        return JSONResponse({"status": "ready", "readers": readers})

    return router


async def _lag(follower: Follower) -> dict[str, Any]:
    named: dict[str, Any] = {"reader": follower.reader.name, "source": follower.reader.source}
    try:
        return named | {"eventsBehind": (await follower.lag()).behind}
    except EventlogError as error:
        log.warning("ledger owner does not answer", source=follower.reader.source, error=str(error))
        return named | {"eventsBehind": None}
