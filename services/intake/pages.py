"""The page on which anyone with a submission's address sees what became of it: in Dutch, and without its content."""

import asyncio
from datetime import datetime
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.intake import dutch
from services.intake.fate import Fate
from services.intake.gate import KnownProgrammes
from services.intake.partner import is_synthetic
from services.intake.partners import Partners
from services.intake.submissions import AMSTERDAM, Submissions

_HERE = Path(__file__).parent
_LONGEST_SECONDS = 15
_MONTHS = ("jan", "feb", "mrt", "apr", "mei", "juni", "juli", "aug", "sep", "okt", "nov", "dec")


def make_pages(submissions: Submissions, partners: Partners, programmes: KnownProgrammes) -> APIRouter:
    """The page has no content, so who was given its address may see it."""
    router = APIRouter(prefix="/inzendingen", include_in_schema=False)
    templates = Environment(loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined)

    @router.get("/volgen.js")
    async def follow() -> Response:
        return FileResponse(_HERE / "static" / "volgen.js", media_type="text/javascript")

    @router.get("/{address}")
    async def fate_of(address: str) -> Response:
        # Before the database is asked: an address that was not made here costs nothing.
        made_for = submissions.pages.read(address, sorted(partners.gemeenten()))
        async with asyncio.timeout(_LONGEST_SECONDS):  # A database that is frozen answers nothing at all.
            fate = await submissions.find(*made_for) if made_for else None
        if fate is None:
            return HTMLResponse(templates.get_template("onbekend.html").render(), 404)
        partner = partners.find(fate.partner)
        return HTMLResponse(
            templates.get_template("inzending.html").render(
                fate=fate,
                address=address,
                partner=partner.title if partner else fate.partner,
                synthetic=is_synthetic(fate.partner),
                statement=dutch.STATEMENT.get(fate.statement_type or "", "Niet vastgesteld"),
                status=dutch.STATUS[fate.status],
                reasons=_reasons(fate),
                received=moment(fate.received_at),
                decided=moment(fate.decided_at) if fate.decided_at else None,
                dashboard=_dashboard(fate, programmes),
            )
        )

    return router


def _reasons(fate: Fate) -> list[tuple[str, str]]:
    """Each reason as its code and a Dutch sentence; a rule younger than this page is shown as it was said."""
    if fate.rule is not None:
        return [(fate.rule, dutch.REFUSAL.get(fate.rule, fate.sentence or ""))]
    return [(code, dutch.REJECTION[code]) for code in dict.fromkeys(error.code for error in fate.errors)]


def _dashboard(fate: Fate, programmes: KnownProgrammes) -> str | None:
    """The year's page where the programme reports on that year, else the programme's own."""
    if fate.programme is None or fate.occurred_on is None or (programme := programmes.find(fate.programme)) is None:
        return None
    year = fate.occurred_on.year
    return f"/programmas/{programme.id}" + (f"/{year}" if year in programme.reporting_years else "")


def moment(at: datetime) -> str:
    """As people in the Netherlands read it: 5 mrt 2024, 14:03:09."""
    local = at.astimezone(AMSTERDAM)
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year}, {local:%H:%M:%S}"
