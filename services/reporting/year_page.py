"""The page of a year: chapter 6, "Getallen", of the evaluation, counted from the facts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from schemas.programme import Programme
from services.reporting.charts import bars, columns
from services.reporting.indicators import CATALOGUE, DIMENSIONS, Indicator, Unit
from services.reporting.periods import MONTHS, MONTHS_SHORT, Period, months_of
from services.reporting.printed import Evaluation
from services.reporting.questions import Question, get_indicator
from services.reporting.snapshot import Figure, Snapshot, percent
from services.reporting.views import Block, Chapter, Crossing, Line, Months, figure_address, part_titles, printed_beside

_MONTHLY = ("new", "closed", "open-at-end")
_MONTHLY_CHAPTER = "Instroom en uitstroom per maand"
_NEARLY_ALL_PERCENT = 90
_CROSSED = ("Type hulpvraag", "new", "help_question", "age_band")


@dataclass(frozen=True)
class YearPage:
    """One programme in one year, for the whole gemeente or one area of it."""

    snapshot: Snapshot
    programme: Programme
    evaluation: Evaluation | None
    year: int
    area: str | None
    synthetic: bool
    known_on: str | None = None

    async def chapters(self) -> list[Chapter]:
        found: list[Chapter] = []
        for title, together in groupby(self._indicators(), key=lambda indicator: indicator.chapter):
            found.append(await self._chapter(title, list(together)))
            if len(found) == 1:
                found.append(await self._months())
        return found

    async def lines(self, indicators: Sequence[Indicator]) -> tuple[Line, ...]:
        return tuple([await self._line(indicator) for indicator in indicators])

    def _indicators(self) -> list[Indicator]:
        """All that this programme can have; a new one stands under its chapter without a change here."""
        return [
            indicator
            for indicator in CATALOGUE
            if (self.programme.consulent or indicator.unit is not Unit.REFERRAL)
            and (indicator.parts is None or part_titles(indicator, self._question(indicator)))
        ]

    async def _chapter(self, title: str, indicators: list[Indicator]) -> Chapter:
        whole = [indicator for indicator in indicators if indicator.parts is None]
        blocks = [await self._parts(indicator) for indicator in indicators if indicator.parts is not None]
        if whole:
            blocks.insert(0, Block(title, "", await self.lines(whole)))
        crossing = await self._crossing() if title == _CROSSED[0] else None
        return Chapter(title, tuple(blocks), crossing)

    def _question(self, indicator: Indicator, year: int | None = None) -> Question:
        cut = {"area": self.area} if self.area else {}
        return Question(self.programme, indicator, Period.of_year(year or self.year), cut, self.known_on)

    def _figure(self, question: Question, numerator: int, denominator: int | None) -> Figure:
        return Figure(question, numerator, denominator, self.snapshot.ledger(self.programme.gemeente), self.synthetic)

    @property
    def _has_before(self) -> bool:
        return self.year - 1 in self.programme.reporting_years

    async def _line(self, indicator: Indicator) -> Line:
        figure = await self.snapshot.figure(self._question(indicator))
        before = await self.snapshot.figure(self._question(indicator, self.year - 1)) if self._has_before else None
        return Line(indicator.title, figure, before, printed_beside(self.evaluation, figure))

    async def _parts(self, indicator: Indicator) -> Block:
        """An indicator cut into its parts, each with last year's beside it."""
        now = await self._cut(indicator, self.year)
        before = await self._cut(indicator, self.year - 1) if self._has_before else None
        titles = part_titles(indicator, self._question(indicator))
        lines = tuple(
            Line(title, now[value], before[value] if before else None, printed_beside(self.evaluation, now[value]))
            for value, title in titles.items()
        )
        series = {str(self.year): [_share(line.figure) for line in lines]}
        if before:
            series[str(self.year - 1)] = [_share(figure) for figure in before.values()]
        svg = await bars([line.title for line in lines], series, "aandeel in %") if _worth_drawing(series) else None
        chart_title = f"Staafdiagram: {indicator.title.lower()} in {' en '.join(series)}, in procenten"
        whole = next(iter(now.values()), None)
        if whole is not None:
            whole = self._figure(self._question(indicator), whole.denominator or 0, whole.denominator)
        return Block(indicator.title, indicator.explanation, lines, svg, chart_title, whole)

    async def _cut(self, indicator: Indicator, year: int) -> dict[str, Figure]:
        question = self._question(indicator, year)
        assert indicator.parts is not None
        counts = await self.snapshot.by(question, indicator.parts)
        whole = await self.snapshot.count(question, "denominator")
        return {
            value: self._figure(question.with_cut(**{indicator.parts: value}), counts.get((value,), 0), whole)
            for value in part_titles(indicator, question)
        }

    async def _months(self) -> Chapter:
        months = months_of(self.year)
        questions = [self._question(get_indicator(name)) for name in _MONTHLY]
        numbers = [await self.snapshot.by_month(question, months) for question in questions]
        rows = tuple(
            (
                MONTHS[at],
                tuple(
                    (counted[at], figure_address(replace(question, period=month)))
                    for question, counted in zip(questions, numbers, strict=True)
                ),
            )
            for at, month in enumerate(months)
        )
        flows = {"Instroom": numbers[0], "Uitstroom": numbers[1]}
        svg = await columns(MONTHS_SHORT, flows, "trajecten")
        title = f"Staafdiagram: instroom en uitstroom per maand in {self.year}"
        heads = ("Instroom", "Uitstroom", "Open aan het eind")
        remarks = self.evaluation.remarks_on(self.year, _MONTHLY_CHAPTER) if self.evaluation else ()
        return Chapter(_MONTHLY_CHAPTER, (), months=Months(heads, rows, svg, title), remarks=remarks)

    async def _crossing(self) -> Crossing:
        _, indicator, down, across = _CROSSED
        question = self._question(get_indicator(indicator))
        counts = await self.snapshot.by(question, down, across)
        rows = tuple(
            (
                title,
                tuple(
                    (counts.get((value, other), 0), figure_address(question.with_cut(**{down: value, across: other})))
                    for other in DIMENSIONS[across].values(self.programme)
                ),
            )
            for value, title in DIMENSIONS[down].values(self.programme).items()
        )
        heads = tuple(DIMENSIONS[across].values(self.programme).values())
        title = "Nieuwe trajecten naar hulpvraag en leeftijd"
        return Crossing(title, rows, heads, DIMENSIONS[down].title)


def _share(figure: Figure) -> float:
    return float(percent(figure.numerator, figure.denominator or 0) or 0)


def _worth_drawing(series: Mapping[str, Sequence[float]]) -> bool:
    """Where nearly all is one part, the bars of the others cannot be seen; the table says it better."""
    return any(0 < max(shares, default=0) <= _NEARLY_ALL_PERCENT for shares in series.values())
