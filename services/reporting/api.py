"""The figures over HTTP: every figure with its definition and the ledger it counts, down to the events."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi import Path as InPath

from schemas.programme import Programmes
from services.problem import Problem
from services.reporting.answers import (
    Definition,
    Definitions,
    EventsAnswer,
    FigureAnswer,
    SegmentsAnswer,
    event_answer,
    figure_answer,
    segment_answer,
)
from services.reporting.figures import Figures, NoFacts
from services.reporting.indicators import CATALOGUE, DIMENSIONS
from services.reporting.questions import (
    CASE_NAME,
    Question,
    QuestionError,
    get_indicator,
    get_period,
    get_programme,
    read_cut,
)
from services.reporting.snapshot import Snapshot

_OTHER = {"programme", "period", "part", "page", "pageSize", "asKnownOn"}
_CUTS = {
    "parameters": [
        {
            "name": dimension.parameter,
            "in": "query",
            "required": False,
            "schema": {"type": "string"},
            "description": f"{dimension.title}: counts this value only, where the indicator has the dimension.",
        }
        for dimension in DIMENSIONS.values()
    ]
}

ProgrammeName = Annotated[str, Query(description="The id of a programme, such as gezinscoaches-venray.")]
PeriodName = Annotated[str, Query(description="A year (2023), a month (2023-11) or a day (2023-12-31).")]
KnownOn = Annotated[
    str | None,
    Query(
        alias="asKnownOn",
        max_length=20,
        description="The day (2024-04-30) or position of a copy that `spoorboek replay --until` made.",
    ),
]
CaseName = Annotated[str, InPath(pattern=CASE_NAME)]


def make_api(figures: Figures, programmes: Programmes) -> APIRouter:
    """The routes under /v1."""
    router = APIRouter(prefix="/v1", tags=["figures"])

    @router.get("/indicators")
    async def indicators() -> Definitions:
        """Every way to count, in the order of the evaluation."""
        return Definitions(indicators=tuple(Definition.of(indicator) for indicator in CATALOGUE))

    _add_figures(router, figures, programmes)
    _add_events(router, figures)
    return router


def _add_figures(router: APIRouter, figures: Figures, programmes: Programmes) -> None:
    @router.get("/figures/{indicator}", openapi_extra=_CUTS)
    async def figure(
        request: Request, indicator: str, programme: ProgrammeName, period: PeriodName, known_on: KnownOn = None
    ) -> FigureAnswer:
        """The value of an indicator, its numerator and denominator, and what it was computed from."""
        question = _question(programmes, request, indicator, programme, period, known_on)
        async with _snapshot(figures, known_on) as snapshot:
            found = await snapshot.figure(question)
        links = {"self": _link(question), "segments": _link(question, "/segments")}
        if found.denominator is not None:
            links["denominator"] = _link(question, "/segments", part="denominator")
        return figure_answer(found, links)

    @router.get("/figures/{indicator}/segments", openapi_extra=_CUTS)
    async def segments(
        request: Request,
        indicator: str,
        programme: ProgrammeName,
        period: PeriodName,
        part: Literal["numerator", "denominator"] = "numerator",
        page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
        page_size: Annotated[int, Query(alias="pageSize", ge=1, le=1000)] = 100,
        known_on: KnownOn = None,
    ) -> SegmentsAnswer:
        """What the figure counts: one row for each thing counted, oldest first."""
        question = _question(programmes, request, indicator, programme, period, known_on)
        if part == "denominator" and question.indicator.denominator is None:
            raise _problem(QuestionError(f"{question.indicator.id} is a count and has no denominator.", field="part"))
        async with _snapshot(figures, known_on) as snapshot:
            behind = await snapshot.behind(question, part, (page - 1) * page_size, page_size)
        links = {"self": _link(question, "/segments", part=part, page=page, pageSize=page_size)}
        if page * page_size < behind.total:
            links["next"] = _link(question, "/segments", part=part, page=page + 1, pageSize=page_size)
        rows = tuple(segment_answer(row, known_on) for row in behind.rows)
        return SegmentsAnswer(total=behind.total, page=page, page_size=page_size, segments=rows, links=links)


def _add_events(router: APIRouter, figures: Figures) -> None:
    @router.get("/cases/{case}/segments/{segment}/events")
    async def events(
        case: CaseName, segment: Annotated[int, InPath(ge=1, le=10_000)], known_on: KnownOn = None
    ) -> EventsAnswer:
        """The events of one segment in the order of the ledger, each with its envelope and its data."""
        async with _snapshot(figures, known_on) as snapshot:
            row = await snapshot.segment(case, segment)
            if row is None:
                raise Problem(
                    404, "Not found", "No case has this name and this segment; take both from a list of segments."
                )
            found, held = await snapshot.events(case, segment), await snapshot.is_held(row.gemeente, case)
        answers = tuple(event_answer(event) for event in found)
        return EventsAnswer(case=case, segment=segment, synthetic=row.synthetic, held=held, events=answers)


def _question(
    programmes: Programmes, request: Request, indicator: str, programme: str, period: str, known_on: str | None
) -> Question:
    given = {name: value for name, value in request.query_params.items() if name not in _OTHER}
    try:
        found, defined = get_programme(programmes, programme), get_indicator(indicator)
        return Question(found, defined, get_period(period), read_cut(found, defined, given, "parameter"), known_on)
    except QuestionError as error:
        raise _problem(error) from error


def _problem(error: QuestionError) -> Problem:
    errors = [{"code": "field-invalid", "field": error.field, "sentence": error.sentence}] if error.field else []
    if error.missing:
        return Problem(404, "Not found", error.sentence, errors)
    return Problem(400, "Invalid request", error.sentence, errors)


@asynccontextmanager
async def _snapshot(figures: Figures, known_on: str | None) -> AsyncIterator[Snapshot]:
    try:
        async with figures.snapshot(known_on) as snapshot:
            yield snapshot
    except QuestionError as error:
        raise _problem(error) from error
    except NoFacts as error:
        detail = "There are no facts yet: reporting has not started. Ask again when it has."
        raise Problem(503, "Temporarily unavailable", detail, headers={"Retry-After": "5"}) from error


def _link(question: Question, rest: str = "", **more: str | int) -> str:
    cut = {DIMENSIONS[name].parameter: value for name, value in question.cut.items()}
    query = {"programme": question.programme.id, "period": question.period.name, **cut, **more}
    if question.known_on is not None:
        query["asKnownOn"] = question.known_on
    return f"/v1/figures/{question.indicator.id}{rest}?{urlencode(query)}"
