"""What the evaluation of a programme prints, with its source lines, and whether a figure agrees with it."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import Field, model_validator

from schemas.event import Code, Record
from services.reporting.snapshot import Figure, percent

FOLDER = Path(__file__).parent


class Verdict(StrEnum):
    """Whether the printed value and the figure say the same."""

    AGREES = "agrees"
    DIFFERS = "differs"
    NOT_COMPARABLE = "not-comparable"


class Printed(Record):
    """One value as printed. At most one of `count`, `percent` and `above_percent` says how it is compared."""

    year: int
    indicator: Code
    cut: dict[str, str] = Field(default_factory=dict)
    text: str
    lines: str
    count: int | None = None
    percent: Annotated[int | None, Field(ge=0, le=100)] = None
    above_percent: Annotated[int | None, Field(ge=0, le=100)] = None
    note: str | None = None

    @model_validator(mode="after")
    def _compared_one_way(self) -> Self:
        if sum(value is not None for value in (self.count, self.percent, self.above_percent)) > 1:
            raise ValueError(f"{self.year} {self.indicator}: compare by one of count, percent and above_percent")
        return self

    def verdict(self, figure: Figure) -> Verdict:
        if self.count is not None:
            return _verdict(figure.numerator == self.count)
        share = None if figure.denominator is None else percent(figure.numerator, figure.denominator, decimals=0)
        if self.percent is not None:
            return _verdict(share == self.percent)
        if self.above_percent is not None and figure.denominator is not None:
            return _verdict(100 * figure.numerator > self.above_percent * figure.denominator)
        return Verdict.NOT_COMPARABLE


class Remark(Record):
    """A sentence of the evaluation about what a chart shows, to be read beside it."""

    year: int
    chapter: str
    text: str
    lines: str


class Evaluation(Record):
    """What one document prints about one programme."""

    programme: Code
    document: str
    source: str
    figures: tuple[Printed, ...]
    remarks: tuple[Remark, ...] = ()

    def find(self, year: int, indicator: str, cut: Mapping[str, str]) -> Printed | None:
        """What is printed for exactly this cut; figures per wijk, for one, are printed nowhere."""
        wanted = dict(cut)
        return next(
            (one for one in self.figures if (one.year, one.indicator, one.cut) == (year, indicator, wanted)), None
        )

    def remarks_on(self, year: int, chapter: str) -> tuple[Remark, ...]:
        return tuple(remark for remark in self.remarks if (remark.year, remark.chapter) == (year, chapter))


def load_evaluations(folder: Path = FOLDER) -> dict[str, Evaluation]:
    """By programme; a programme without a file has no evaluation to be compared with."""
    found = (
        Evaluation.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        for path in sorted(folder.glob("*.yaml"))
    )
    return {evaluation.programme: evaluation for evaluation in found}


def _verdict(agrees: bool) -> Verdict:
    return Verdict.AGREES if agrees else Verdict.DIFFERS
