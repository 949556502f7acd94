"""The dimensions a figure can be cut by, and what their values are called in a programme."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from schemas.programme import AgeBand, Programme

DURATION_BANDS: Mapping[str, tuple[int, int | None]] = {
    "0-3": (0, 3),
    "3-6": (3, 6),
    "6-12": (6, 12),
    "12-24": (12, 24),
    "over-24": (24, None),
}
"""Calendar months between opening and closing: longer than the first, up to and including the second.

The evaluation's own bands were lost with its chart (seed 001, line 432). Its one printed
statement, "binnen 6 maanden" (seed 001, line 227), is the sum of the first two.
"""

_DURATION_TITLES = {
    "0-3": "t/m 3 maanden",
    "3-6": "langer dan 3, t/m 6 maanden",
    "6-12": "langer dan 6 maanden, t/m 1 jaar",
    "12-24": "langer dan 1, t/m 2 jaar",
    "over-24": "langer dan 2 jaar",
}


@dataclass(frozen=True)
class Dimension:
    """`name` is what declarations say, `parameter` the API, `woord` the addresses of the Dutch pages."""

    name: str
    parameter: str
    woord: str
    title: str
    values: Callable[[Programme], Mapping[str, str]]
    many: bool = False
    """Whether one segment can have several values, so that the parts add up to more than the whole."""


def _age_band_titles(programme: Programme) -> dict[str, str]:
    return {code: _age_band_title(band) for code, band in programme.age_bands.items()}


def _age_band_title(band: AgeBand) -> str:
    if band.from_years < 0:
        return f"ongeboren tot {band.below_years} jaar"
    return f"{band.from_years} tot {band.below_years} jaar"


DIMENSIONS: Mapping[str, Dimension] = {
    dimension.name: dimension
    for dimension in (
        Dimension("area", "area", "wijk", "Wijk", lambda programme: programme.areas),
        Dimension("channel", "channel", "verwijzer", "Verwijzing via", lambda programme: programme.channels),
        Dimension("help_question", "helpQuestion", "hulpvraag", "Hulpvraag", lambda p: p.help_questions),
        Dimension("age_band", "ageBand", "leeftijd", "Leeftijd", _age_band_titles),
        Dimension("case_type", "caseType", "soort", "Soort casus", lambda programme: programme.case_types),
        Dimension("duration", "duration", "doorlooptijd", "Doorlooptijd", lambda _: _DURATION_TITLES),
        Dimension("reason", "reason", "reden", "Reden van afsluiting", lambda p: p.closing_reasons),
        Dimension("outcome", "outcome", "resultaat", "Resultaat", lambda programme: programme.outcomes),
        Dimension("destination", "destination", "naar", "Verwezen naar", lambda p: p.destinations, many=True),
        Dimension("answer", "answer", "antwoord", "Antwoord van de consulent", lambda p: p.consulent_answers),
    )
}
