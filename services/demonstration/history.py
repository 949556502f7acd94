"""The history of Gezinscoaches Venray from 2021 to 2023: synthetic families, and totals that equal the evaluation's."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

from services.demonstration.cases import Case, assemble
from services.demonstration.choices import (
    choose_channels_and_ages,
    choose_freely,
    choose_reason_freely,
    choose_reasons,
)
from services.demonstration.course import About
from services.demonstration.segments import Segment, carried_over, make_specials, opened_in, settle
from services.demonstration.senders import senders_of
from services.demonstration.slips import with_slips
from services.demonstration.story import tell
from services.demonstration.stream import as_cloudevents, by_day
from services.demonstration.targets import CARRIED_INTO_2021, GEMEENTE, PROGRAMME, YEARS

SEED = 2023
FIRST_DAY, LAST_DAY = date(YEARS[0].year, 1, 1), date(YEARS[-1].year, 12, 31)
_REPEAT_EVERY = 1499


def history(seed: int = SEED) -> Iterator[dict[str, Any]]:
    """The CloudEvents in the order in which the partners send them; the source says which partner.

    The same seed gives the same events, in every process.
    """
    random = Random(seed)
    cases = with_slips(random, assemble(random, _segments(random)))
    stories = [tell(random, about(PROGRAMME, case), case, LAST_DAY) for case in cases]
    senders = senders_of(GEMEENTE, PROGRAMME)
    told = by_day(sorted(stories, key=lambda story: story[0].day))
    yield from as_cloudevents(((senders[one.sender], one) for one in told), _REPEAT_EVERY)


def write_history(path: Path, seed: int = SEED) -> int:
    """Write the history to `path`, one CloudEvent a line; the number of lines."""
    return write_lines(path, history(seed))


def write_lines(path: Path, events: Iterator[dict[str, Any]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as lines:
        for count, event in enumerate(events, start=1):  # noqa: B007
            lines.write(json.dumps(event, ensure_ascii=False, separators=(",", ":")) + "\n")
    return count


def about(programme: str, case: Case) -> About:
    return About(programme=programme, case=case.reference, family=case.family)


def _segments(random: Random) -> list[Segment]:
    open_now = carried_over(random, CARRIED_INTO_2021, FIRST_DAY)
    make_specials(random, FIRST_DAY.year - 1, open_now)
    for segment in open_now:
        choose_freely(random, YEARS[0], segment)
    segments = list(open_now)
    for year in YEARS:
        new = list(opened_in(random, year))
        choose_channels_and_ages(random, year, new)
        make_specials(random, year.year, new)
        pool = [*open_now, *new]
        settle(random, year, pool)
        choose_reasons(random, year, [segment for segment in pool if segment.closed_on.year == year.year])
        open_now = [segment for segment in pool if segment.closed_on.year > year.year]
        segments += new
    for segment in open_now:
        choose_reason_freely(random, segment)
    return segments
