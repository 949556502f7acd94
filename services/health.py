"""Whether this process lives, can take submissions, and is ready: every part there and no reader standing still."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from services.runtime.standing import ReaderStanding, Standing
from services.runtime.watch import DATABASE
from services.runtime.web import RETRY_AFTER_SECONDS


def health_router(look: Callable[[], Awaitable[Standing]]) -> APIRouter:
    """`ready` speaks of the whole path to the figures; a load balancer before intake goes by `accepting`."""
    router = APIRouter(prefix="/health", include_in_schema=False)

    @router.get("/live")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @router.get("/accepting")
    async def accepting() -> JSONResponse:
        """Submissions are durable in the database; without the broker they wait there, and that is no loss."""
        away = DATABASE in (await look()).away
        return _answer(not away, {"status": "not accepting" if away else "accepting"})

    @router.get("/ready")
    async def ready() -> JSONResponse:
        standing = await look()
        said = {
            "status": _status(standing),
            "away": sorted(standing.away),
            "stuck": list(standing.stuck),
            "readers": [_reader(reader) for reader in standing.readers],
        }
        return _answer(standing.ready, said)

    return router


def _answer(good: bool, said: dict[str, Any]) -> JSONResponse:
    return JSONResponse(said, 200) if good else JSONResponse(said, 503, {"Retry-After": str(RETRY_AFTER_SECONDS)})


def _status(standing: Standing) -> str:
    if standing.away:
        return " and ".join(sorted(standing.away)) + " away"
    if not standing.started:
        return "starting"
    return "reader stands still" if standing.stuck else "ready"


def _reader(reader: ReaderStanding) -> dict[str, Any]:
    """The numbers are null where the owner of the ledgers does not answer."""
    return {
        "service": reader.service,
        "reader": reader.reader,
        "source": reader.source,
        "eventsBehind": reader.behind,
        "secondsBehind": None if reader.seconds is None else round(reader.seconds, 3),
        "stuck": bool(reader.stuck),
    }
