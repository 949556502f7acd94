"""How the Dutch pages are written down: the templates, and the words and numbers they may use."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.reporting import dutch
from services.reporting.indicators import DIMENSIONS
from services.reporting.periods import dutch_day
from services.reporting.views import cut_in_words, figure_address, segment_address, year_address

TEMPLATES = Path(__file__).parent / "templates"


def environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": dutch.number,
        "percentage": dutch.percentage,
        "day": dutch_day,
        "short_day": dutch.short_day,
        "moment": dutch.moment,
        "short": dutch.short,
        "known": dutch.known_then,
    }
    environment.globals |= {
        "UNITS": dutch.UNITS,
        "EVENTS": dutch.EVENTS,
        "DIMENSIONS": DIMENSIONS,
        "cut_in_words": cut_in_words,
        "figure_address": figure_address,
        "segment_address": segment_address,
        "year_address": year_address,
    }
    return environment
