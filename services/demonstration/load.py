"""Any number of synthetic gemeenten and cases, to load an installation with in bounded memory."""

from collections.abc import Iterator
from datetime import date
from heapq import merge
from pathlib import Path
from random import Random
from typing import Any

import yaml

from schemas.programme import PUBLISHED, Programme, Programmes
from services.demonstration.cases import make_case
from services.demonstration.choices import choose_freely, choose_reason_freely
from services.demonstration.history import about, write_lines
from services.demonstration.segments import Segment, draw_closing
from services.demonstration.senders import Sender, partner_file, senders_of
from services.demonstration.story import Told, tell
from services.demonstration.stream import as_cloudevents, by_day
from services.demonstration.targets import PROGRAMME, YEARS
from services.demonstration.workdays import working_days

FIRST_GEMEENTE = 9001
MOST_GEMEENTEN = 10_000 - FIRST_GEMEENTE
_FIRST_DAY, _LAST_DAY = date(YEARS[0].year, 1, 1), date(YEARS[-1].year, 12, 31)


def load(gemeenten: int = 10, cases: int = 1000, seed: int = 2023, at_once: int = 5000) -> Iterator[dict[str, Any]]:
    """CloudEvents of `gemeenten` gemeenten, GM9001 and on, with `cases` cases each.

    They come in waves of some `at_once` cases: within a wave by day over all gemeenten, and each wave runs from 2021
    to 2023, so memory holds one wave however many cases there are.
    """
    yield from as_cloudevents(_waves(_places(gemeenten), cases, seed, max(1, at_once // gemeenten)))


def write_load(folder: Path, gemeenten: int, cases: int, seed: int = 2023) -> int:
    """Write `programmes/`, `partners/` and `submissions.jsonl` under `folder`; the number of submissions."""
    model = _model()
    for place in _places(gemeenten):
        programme = _programme(model, place)
        _write(
            folder / "programmes" / f"{programme.id}.yaml",
            yaml.safe_dump(
                programme.model_dump(mode="json", by_alias=False, exclude_none=True), sort_keys=False, width=120
            ),
        )
        for sender in senders_of(programme.gemeente, programme.id, place).values():
            _write(folder / "partners" / f"{sender.id}.yaml", partner_file(sender))
    return write_lines(folder / "submissions.jsonl", load(gemeenten, cases, seed))


def _waves(places: list[str], cases: int, seed: int, size: int) -> Iterator[tuple[Sender, Told]]:
    for start in range(0, cases, size):
        numbers = range(start + 1, min(start + size, cases) + 1)
        yield from merge(*(_gemeente(seed, place, numbers) for place in places), key=lambda sent: sent[1].day)


def _gemeente(seed: int, place: str, numbers: range) -> Iterator[tuple[Sender, Told]]:
    senders = senders_of(place.upper(), _programme_id(place), place)
    for told in by_day(_stories(Random(f"{seed} {place} {numbers.start}"), place, numbers)):
        yield senders[told.sender], told


def _stories(random: Random, place: str, numbers: range) -> Iterator[list[Told]]:
    days = working_days(_FIRST_DAY, _LAST_DAY)
    for nth, number in enumerate(numbers):
        opened_on = days[nth * len(days) // len(numbers)]
        segment = Segment(opened_on, draw_closing(random, opened_on))
        choose_freely(random, YEARS[-1], segment)
        choose_reason_freely(random, segment)
        case = make_case(random, f"SYN.{place}", number, (segment,))
        yield tell(random, about(_programme_id(place), case), case, _LAST_DAY)


def _places(gemeenten: int) -> list[str]:
    if not 1 <= gemeenten <= MOST_GEMEENTEN:
        raise ValueError(f"{gemeenten} gemeenten: choose from 1 to {MOST_GEMEENTEN}")
    return [f"gm{FIRST_GEMEENTE + number}" for number in range(gemeenten)]


def _programme_id(place: str) -> str:
    return f"gezinscoaches-{place}"


def _model() -> Programme:
    model = Programmes.load(PUBLISHED).find(PROGRAMME)
    if model is None:
        raise LookupError(f"{PUBLISHED}: {PROGRAMME} is not there; load copies its lists")
    return model


def _programme(model: Programme, place: str) -> Programme:
    return model.model_copy(
        update={
            "id": _programme_id(place),
            "title": f"Gezinscoaches {place.upper()} (synthetisch)",
            "gemeente": place.upper(),
            "gemeente_title": f"Synthetische gemeente {place.upper()}",
            "source": f"Synthetisch, naar het voorbeeld van {model.id}; alleen om te beproeven.",
        }
    )


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
