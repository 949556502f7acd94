"""What an operator looks at: `/metrics` for Prometheus, and `/beheer`, a page that needs nothing else installed."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from eventlog.relay import Relay
from services.runtime.gauges import Gauges
from services.runtime.metrics import Metrics
from services.runtime.standing import Standing

_TEMPLATES = Path(__file__).parent / "templates"
_AMSTERDAM = ZoneInfo("Europe/Amsterdam")
_REFRESH_SECONDS = 15
_FEW = 5
"""So many ledgers are named of those in which one reader stands still."""

_PARTS = {"database": "De database", "broker": "De berichtenbus (Kafka)"}
_READERS = {
    "casework": "verwerkt inzendingen tot feiten",
    "submissions": "neemt inzendingen van een partner aan",
    "outcomes": "legt de uitkomst bij de inzending",
    "relay": "zet gebeurtenissen op de bus",
    "answers": "stuurt partners hun antwoord",
}
_FACTS = "houdt de cijfers bij"


def operations_router(
    look: Callable[[], Awaitable[Standing]],
    metrics: Metrics,
    services: Sequence[str],
    clock: Callable[[], datetime],
) -> APIRouter:
    """Neither names a person or a submission; keep both within the organisation all the same."""
    router = APIRouter(include_in_schema=False)
    gauges = Gauges()
    metrics.registry.register(gauges)
    page = _environment().get_template("beheer.html")

    @router.get("/metrics")
    async def prometheus() -> Response:
        gauges.standing = await look()
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    @router.get("/beheer")
    async def operations(stil: bool = False) -> Response:
        """Anew every so often, without a script, until the reader says stop (WCAG 2.2.1)."""
        standing = await look()
        shown = page.render(
            standing=standing,
            services=services,
            still=stil,
            refresh_seconds=_REFRESH_SECONDS,
            at=clock().astimezone(_AMSTERDAM),
            relay=Relay.name,
            owns_ledgers=list(services) != ["reporting"],
            few=_FEW,
        )
        return HTMLResponse(shown, headers={} if stil else {"Refresh": str(_REFRESH_SECONDS)})

    return router


def duration(seconds: float) -> str:
    """As a person says it, in the largest unit that fits: 0,4 s, 12 s, 3 min, 5 uur, 2 dagen."""
    if seconds < 10:
        return f"{seconds:.1f} s".replace(".", ",")
    for below, size, unit in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "uur")):
        if seconds < below:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} dagen"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": lambda number: f"{number:,}".replace(",", "."),
        "duration": duration,
        "part": lambda part: _PARTS.get(part, part),
        "purpose": lambda reader: _READERS.get(reader, _FACTS if reader.startswith("facts") else ""),
    }
    return environment
