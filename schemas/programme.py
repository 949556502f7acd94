"""A programme (voorziening) as data: what was promised to whom, the lists that are used, the rules that hold."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from schemas.event import Code, Day, Gemeente, Record

PUBLISHED = Path(__file__).parent / "programmes"
"""The folder of the programmes that come with Spoorboek."""


class ProgrammeError(Exception):
    """A definition file cannot be used; the message names the file and what its author should change."""


class AgeBand(Record):
    """Ages from `from_years` up to but not including `below_years`; -1 stands for unborn."""

    from_years: Annotated[int, Field(ge=-1)]
    below_years: Annotated[int, Field(le=121)]

    def __contains__(self, age_years: int) -> bool:
        return self.from_years <= age_years < self.below_years


class Programme(Record):
    """One version of a programme. The lists map a code (on the wire) to its Dutch title (on the page)."""

    id: Code
    version: Annotated[int, Field(ge=1)]
    title: str
    gemeente: Gemeente
    gemeente_title: str
    source: Annotated[str, Field(description="Where the definition comes from: document and lines.")]
    valid_from: Day
    valid_until: Annotated[Day | None, Field(description="The last day; absent while it runs.")] = None
    reporting_years: Annotated[tuple[int, ...], Field(min_length=1)]
    decision_needed: Annotated[bool, Field(description="Whether support needs a beschikking (maatwerkvoorziening).")]
    consulent: Annotated[bool, Field(description="Whether a case can be referred to the gemeente's consulent.")]
    ages: AgeBand
    age_bands: Annotated[dict[Code, AgeBand], Field(min_length=1)]
    areas: Annotated[dict[Code, str], Field(min_length=1)]
    areas_synthetic: bool = False
    channels: Annotated[dict[Code, str], Field(min_length=1)]
    help_questions: Annotated[dict[Code, str], Field(min_length=1)]
    case_types: Annotated[dict[Code, str], Field(min_length=1)]
    first_case_type: Code
    closing_reasons: Annotated[dict[Code, str], Field(min_length=1)]
    outcomes: Annotated[dict[Code, str], Field(min_length=1)]
    destinations: dict[Code, str] = Field(default_factory=dict)
    consulent_answers: dict[Code, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.first_case_type not in self.case_types:
            raise ValueError(f"first_case_type {self.first_case_type} is not one of case_types")
        if self.consulent and not self.consulent_answers:
            raise ValueError("a programme with a consulent lists the consulent_answers")
        for age in range(self.ages.from_years, self.ages.below_years):
            if sum(age in band for band in self.age_bands.values()) != 1:
                raise ValueError(f"age {age} must lie in exactly one of age_bands")
        return self

    def runs_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)

    def age_band(self, age_years: int) -> str | None:
        """The code of the band that holds `age_years`; None where the age lies outside the programme."""
        return next((code for code, band in self.age_bands.items() if age_years in band), None)


class Programmes:
    """The programmes one installation knows, by id."""

    def __init__(self, programmes: dict[str, Programme]) -> None:
        self._by_id = programmes

    @classmethod
    def load(cls, *folders: Path) -> Self:
        """Every `*.yaml` in `folders`; raises ProgrammeError that names the file and the field."""
        by_id: dict[str, Programme] = {}
        for path in sorted(path for folder in folders for path in folder.glob("*.yaml")):
            programme = _read(path)
            if path.stem != programme.id:
                raise ProgrammeError(f"{path}: id: {programme.id} belongs in {programme.id}.yaml; rename file or id")
            if programme.id in by_id:
                raise ProgrammeError(f"{path}: programme {programme.id} is defined twice; give one of them another id")
            by_id[programme.id] = programme
        return cls(by_id)

    def find(self, programme_id: str) -> Programme | None:
        return self._by_id.get(programme_id)

    def __iter__(self) -> Iterator[Programme]:
        return iter(self._by_id.values())


def _read(path: Path) -> Programme:
    try:
        return Programme.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise ProgrammeError(f"{path}: not readable as YAML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ProgrammeError(f"{path}: {where or 'definition'}: {first['msg']}") from error
