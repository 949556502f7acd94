"""The Dutch pages: programmes, a year of one of them, the list behind a figure, and the events behind a row of it."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from schemas.programme import Programme, Programmes
from services.reporting import dutch
from services.reporting.answers import as_recorded
from services.reporting.figures import Figures, NoFacts
from services.reporting.indicators import DIMENSIONS
from services.reporting.periods import Period
from services.reporting.printed import Evaluation
from services.reporting.questions import CASE_NAME, Part, Question, QuestionError, get_indicator, get_period, read_cut
from services.reporting.snapshot import Snapshot
from services.reporting.templating import TEMPLATES, environment
from services.reporting.views import printed_beside, year_address
from services.reporting.year_page import YearPage

_ROWS_PER_PAGE = 500
_DAY_SECONDS = 86_400


class Pages:
    """What every page needs: the figures, the programmes, what is printed about them, and the templates."""

    def __init__(self, figures: Figures, programmes: Programmes, evaluations: dict[str, Evaluation]) -> None:
        self._figures, self._programmes, self._evaluations = figures, programmes, evaluations
        self._style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
        self._templates = environment()

    def router(self) -> APIRouter:
        router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
        router.add_api_route("/", self._shown(self.programmes))
        router.add_api_route("/stijl.css", self.style)
        router.add_api_route("/programmas/{programme}", self._shown(self.programme))
        router.add_api_route("/programmas/{programme}/{year}", self._shown(self.year))
        router.add_api_route("/programmas/{programme}/{year}/cijfers/{indicator}", self._shown(self.figure))
        router.add_api_route("/trajecten/{case}/{segment}", self._shown(self.segment))
        return router

    def style(self) -> Response:
        return Response(self._style, media_type="text/css", headers={"Cache-Control": f"max-age={_DAY_SECONDS}"})

    async def programmes(self, request: Request) -> Response:
        async with self._figures.snapshot() as snapshot:
            shown = [(one, await snapshot.is_synthetic(one.gemeente, one.id)) for one in self._programmes]
        return self._page("programmes.html", programmes=shown, synthetic=any(synthetic for _, synthetic in shown))

    async def programme(self, request: Request) -> Response:
        found = self._programme(request)
        last = year_address(found.id, found.reporting_years[-1])
        return Response(status_code=303, headers={"Location": last})

    async def year(self, request: Request) -> Response:
        programme, period = self._programme(request), self._year(request)
        area = request.query_params.get("wijk") or None
        if area is not None and area not in programme.areas:
            raise QuestionError("no such area", missing=True)
        year = period.first.year
        async with self._about(request, programme) as (snapshot, about):
            evaluation = self._evaluations.get(programme.id)
            page = YearPage(snapshot, programme, evaluation, year, area, about["synthetic"], about["known_on"])
            active = await snapshot.count(Question(programme, get_indicator("active"), period), "numerator")
            chapters = await page.chapters() if active else []
        return self._page("year.html", **about, year=year, area=area, chapters=chapters, evaluation=evaluation)

    async def figure(self, request: Request) -> Response:
        programme, question, part = *self._question(request), self._part(request)
        page = self._number(request.query_params.get("bladzijde", "1"))
        async with self._about(request, programme) as (snapshot, about):
            figure = await snapshot.figure(question)
            behind = await snapshot.behind(question, part, (page - 1) * _ROWS_PER_PAGE, _ROWS_PER_PAGE)
        return self._page(
            "figure.html",
            **about,
            figure=figure,
            question=question,
            part=part,
            behind=behind,
            page=page,
            first_row=(page - 1) * _ROWS_PER_PAGE + 1,
            has_next=page * _ROWS_PER_PAGE < behind.total,
            printed=printed_beside(self._evaluations.get(programme.id), figure),
        )

    async def segment(self, request: Request) -> Response:
        case, number = request.path_params["case"], self._number(request.path_params["segment"])
        if not re.fullmatch(CASE_NAME, case):
            raise QuestionError("no such case", missing=True)
        known_on = self._known_on(request)
        async with self._figures.snapshot(known_on) as snapshot:
            row = await snapshot.segment(case, number)
            programme = None if row is None else self._programmes.find(row.programme)
            if row is None or programme is None:
                raise QuestionError("no such segment", missing=True)
            events = [as_recorded(event) for event in await snapshot.events(case, number)]
            others = [one for one in await snapshot.segments_of(case) if one != number]
            held = await snapshot.is_held(row.gemeente, case)
        told = [(event, dutch.data_lines(programme, msgspec.json.decode(event.data))) for event in events]
        about = {"programme": programme, "synthetic": row.synthetic, "known_on": known_on, "now": _now(request)}
        return self._page("segment.html", **about, segment=row, told=told, others=others, held=held)

    @asynccontextmanager
    async def _about(self, request: Request, programme: Programme) -> AsyncIterator[tuple[Snapshot, dict[str, Any]]]:
        known_on = self._known_on(request)
        async with self._figures.snapshot(known_on) as snapshot:
            synthetic = await snapshot.is_synthetic(programme.gemeente, programme.id)
            about = {"programme": programme, "synthetic": synthetic, "known_on": known_on, "now": _now(request)}
            about["ledger"] = snapshot.ledger(programme.gemeente)
            yield snapshot, about

    def _known_on(self, request: Request) -> str | None:
        return request.query_params.get("bekend-op") or None

    def _programme(self, request: Request) -> Programme:
        if (found := self._programmes.find(request.path_params["programme"])) is None:
            raise QuestionError("no such programme", missing=True)
        return found

    def _year(self, request: Request) -> Period:
        name = request.path_params["year"]
        if len(name) != len("2023"):
            raise QuestionError("no such year", missing=True)
        return get_period(name)

    def _question(self, request: Request) -> tuple[Programme, Question]:
        programme, year = self._programme(request), self._year(request)
        indicator = get_indicator(request.path_params["indicator"])
        period = get_period(request.query_params.get("periode") or year.name)
        if period.first.year != year.first.year:
            raise QuestionError("the period is not in the year", missing=True)
        given = {name: value for name, value in request.query_params.items() if name in _WORDS}
        cut = read_cut(programme, indicator, given, "woord")
        return programme, Question(programme, indicator, period, cut, self._known_on(request))

    def _part(self, request: Request) -> Part:
        indicator = get_indicator(request.path_params["indicator"])
        asked = request.query_params.get("deel") == "noemer"
        return "denominator" if asked and indicator.denominator is not None else "numerator"

    def _number(self, text: str) -> int:
        if not (text.isascii() and text.isdigit() and int(text[:7]) > 0 and len(text) < 7):
            raise QuestionError("no such page", missing=True)
        return int(text)

    def _page(self, template: str, status: int = 200, **shown: Any) -> Response:
        return HTMLResponse(self._templates.get_template(template).render({"known_on": None} | shown), status)

    def _shown(self, page: Callable[[Request], Any]) -> Callable[[Request], Any]:
        """`page`, and a page in Dutch where it cannot be shown."""

        async def shown(request: Request) -> Response:
            try:
                answer: Response = await page(request)
            except QuestionError as error:
                kind = "copy" if error.field == "asKnownOn" else "unknown"
                about = {"kind": kind, "now": _now(request), "programmes": list(self._programmes)}
                return self._page("message.html", 404, **about, synthetic=False)
            except NoFacts:
                return self._page("message.html", 503, kind="empty", programmes=[], synthetic=False)
            return answer

        return shown


def _now(request: Request) -> str:
    """The same page of what is known now."""
    return f"?{request.url.remove_query_params('bekend-op').query}"


_WORDS = {dimension.woord for dimension in DIMENSIONS.values()}
