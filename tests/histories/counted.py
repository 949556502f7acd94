"""What a history comes to: its cases by casework's fold, its facts by reporting's, and every figure over its years."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from eventlog.ledger import Recorded
from schemas.programme import Programmes
from services.casework.case import Case, evolve
from services.casework.submissions import read_fact
from services.reporting.figures import Figures
from services.reporting.indicators import CATALOGUE
from services.reporting.periods import Period
from services.reporting.questions import Question

YEARS = ("2021", "2022", "2023")
_TABLES = ("segments", "consulent_referrals")


def cases_of(events: Iterable[Recorded]) -> dict[str, Any]:
    """Each case as casework knows it after its last fact, by its pseudonym."""
    cases: dict[str, Case | None] = {}
    for event in events:
        if event.stream.startswith("case-"):
            cases[event.case] = evolve(cases.get(event.case), read_fact(event), event.occurred_on)
    as_json: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(cases))
    return as_json


async def facts_of(engine: AsyncEngine) -> dict[str, list[dict[str, Any]]]:
    """The rows of the live facts."""
    facts: dict[str, list[dict[str, Any]]] = {}
    async with engine.connect() as connection:
        for table in _TABLES:
            rows = await connection.execute(text(f"SELECT * FROM facts_1.{table}"))
            as_json = [msgspec.to_builtins(row._asdict()) for row in rows]
            facts[table] = sorted(as_json, key=lambda row: msgspec.json.encode(row, order="sorted"))
    return facts


async def figures_of(engine: AsyncEngine, programmes: Programmes) -> dict[str, str]:
    """Every indicator of every programme in every year, as `programme indicator year` -> numerator/denominator."""
    figures: dict[str, str] = {}
    async with Figures(engine).snapshot() as snapshot:
        for programme in programmes:
            for indicator in CATALOGUE:
                for year in YEARS:
                    figure = await snapshot.figure(Question(programme, indicator, Period.parse(year), {}))
                    figures[f"{programme.id} {indicator.id} {year}"] = f"{figure.numerator}/{figure.denominator}"
    return figures
