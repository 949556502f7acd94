"""A question: which indicator, of which programme, over which period, cut how; asked in the API's words or in Dutch.

QuestionError   the caller: no such programme, indicator, dimension or value, or no such period; the sentence says which
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Self

from schemas.programme import Programme, Programmes
from services.reporting.indicators import DIMENSIONS, Dimension, Indicator, find_indicator
from services.reporting.periods import Period

Part = Literal["numerator", "denominator"]
CASE_NAME = "^[0-9a-f]{32}$"
"""What a case is called in an address: its reference after the gate."""


class QuestionError(Exception):
    """`missing` tells a thing that does not exist (404) from a word that does not fit (400)."""

    def __init__(self, sentence: str, *, missing: bool = False, field: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence, self.missing, self.field = sentence, missing, field


@dataclass(frozen=True)
class Question:
    programme: Programme
    indicator: Indicator
    period: Period
    cut: Mapping[str, str] = field(default_factory=dict)
    """Of each dimension named, the one value that counts."""
    known_on: str | None = None
    """The name of the copy to ask; None asks the live facts."""

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        return tuple(DIMENSIONS[name] for name in self.indicator.dimensions)

    def cut_of(self, part: Part) -> dict[str, str]:
        """A share's parts divide its numerator; its denominator is the whole that they divide."""
        left_out = self.indicator.parts if part == "denominator" else None
        return {name: value for name, value in self.cut.items() if name != left_out}

    def with_cut(self, **cut: str) -> Self:
        return replace(self, cut={**self.cut, **cut})


def get_programme(programmes: Programmes, programme_id: str) -> Programme:
    if (programme := programmes.find(programme_id)) is None:
        known = ", ".join(programme.id for programme in programmes) or "none yet"
        raise QuestionError(f"No such programme. Known here: {known}.", missing=True, field="programme")
    return programme


def get_indicator(indicator_id: str) -> Indicator:
    if (indicator := find_indicator(indicator_id)) is None:
        raise QuestionError("No such indicator; GET /v1/indicators lists them.", missing=True, field="indicator")
    return indicator


def get_period(name: str) -> Period:
    try:
        return Period.parse(name)
    except ValueError as error:
        raise QuestionError(f"No such period: {error}.", field="period") from error


def read_cut(
    programme: Programme, indicator: Indicator, given: Mapping[str, str], words: Literal["parameter", "woord"]
) -> dict[str, str]:
    """The cut that a query string asks for; an empty value asks for none."""
    named = {getattr(dimension, words): dimension for dimension in DIMENSIONS.values()}
    cut: dict[str, str] = {}
    for word, value in given.items():
        if (dimension := named.get(word)) is None or dimension.name not in indicator.dimensions:
            can = ", ".join(getattr(DIMENSIONS[name], words) for name in indicator.dimensions)
            raise QuestionError(f"{indicator.id} cannot be cut by one of the parameters given; it can by: {can}.")
        if not value:
            continue
        if value not in (values := dimension.values(programme)):
            raise QuestionError(f"{word} has no such value; it has: {', '.join(values)}.", field=word)
        cut[dimension.name] = value
    return cut
