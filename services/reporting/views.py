"""What a page shows, ready to be written down: figures beside what is printed, in blocks under chapters."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from services.reporting.indicators import DIMENSIONS, Indicator
from services.reporting.printed import Evaluation, Printed, Remark, Verdict
from services.reporting.questions import Part, Question
from services.reporting.snapshot import Figure


@dataclass(frozen=True)
class PrintedValue:
    """What the evaluation prints, where, and whether the figure agrees."""

    printed: Printed
    verdict: Verdict


@dataclass(frozen=True)
class Line:
    """A figure in a table: its title, this year's value, last year's, and what is printed."""

    title: str
    figure: Figure
    before: Figure | None
    printed: PrintedValue | None

    @property
    def address(self) -> str:
        return figure_address(self.figure.question)

    @property
    def address_before(self) -> str:
        return figure_address(self.before.question) if self.before else ""


@dataclass(frozen=True)
class Block:
    """One table with its chart: an indicator cut into its parts, or a few indicators under one another."""

    title: str
    explanation: str
    lines: tuple[Line, ...]
    svg: str | None = None
    chart_title: str = ""
    whole: Figure | None = None

    @property
    def shares(self) -> bool:
        return any(line.figure.denominator is not None for line in self.lines)

    @property
    def has_before(self) -> bool:
        return any(line.before is not None for line in self.lines)


@dataclass(frozen=True)
class Crossing:
    """A table of counts by two dimensions; each number opens the list behind it."""

    title: str
    rows: tuple[tuple[str, tuple[tuple[int, str], ...]], ...]
    columns: tuple[str, ...]
    row_title: str


@dataclass(frozen=True)
class Chapter:
    title: str
    blocks: tuple[Block, ...]
    crossing: Crossing | None = None
    months: "Months | None" = None
    remarks: tuple[Remark, ...] = ()

    @property
    def anchor(self) -> str:
        return "".join(letter if letter.isalnum() else "-" for letter in self.title.lower())


@dataclass(frozen=True)
class Months:
    """Flows and stock by month; a row is the month's name and per series the number and its address."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[int, str], ...]], ...]
    svg: str
    chart_title: str


def printed_beside(evaluation: Evaluation | None, figure: Figure) -> PrintedValue | None:
    """None where the evaluation does not print this figure."""
    question = figure.question
    if evaluation is None or len(question.period.name) != len("2023"):
        return None
    printed = evaluation.find(question.period.first.year, question.indicator.id, question.cut)
    return PrintedValue(printed, printed.verdict(figure)) if printed else None


def figure_address(question: Question, part: Part = "numerator", **more: str | int) -> str:
    """The page with the list behind a figure."""
    words: dict[str, str | int] = {DIMENSIONS[name].woord: value for name, value in question.cut.items()}
    if len(question.period.name) != len("2023"):
        words["periode"] = question.period.name
    if part == "denominator":
        words["deel"] = "noemer"
    words |= _known(question.known_on)
    return _address(
        f"/programmas/{question.programme.id}/{question.period.first.year}/cijfers/{question.indicator.id}",
        words | more,
    )


def year_address(programme_id: str, year: int, area: str | None = None, known_on: str | None = None) -> str:
    return _address(f"/programmas/{programme_id}/{year}", ({"wijk": area} if area else {}) | _known(known_on))


def segment_address(case: str, number: int, known_on: str | None = None) -> str:
    return _address(f"/trajecten/{case}/{number}", _known(known_on))


def _known(known_on: str | None) -> dict[str, str]:
    """Who asked what was known then goes on asking it."""
    return {"bekend-op": known_on} if known_on else {}


def cut_in_words(question: Question) -> list[tuple[str, str]]:
    """(dimension, value) as titles."""
    return [
        (DIMENSIONS[name].title, DIMENSIONS[name].values(question.programme)[value])
        for name, value in question.cut.items()
    ]


def part_titles(indicator: Indicator, question: Question) -> Mapping[str, str]:
    """The values that a share divides, by their titles, in the order of the programme."""
    return DIMENSIONS[indicator.parts].values(question.programme) if indicator.parts else {}


def _address(path: str, words: Mapping[str, str | int]) -> str:
    return f"{path}?{urlencode(words)}" if words else path
