"""The indicators: every published way to count, as data without any database in it."""

from services.reporting.indicators.catalogue import CATALOGUE, find_indicator
from services.reporting.indicators.definition import Indicator, Kind, Measure, Selection, Unit
from services.reporting.indicators.dimensions import DIMENSIONS, Dimension

__all__ = [
    "CATALOGUE",
    "DIMENSIONS",
    "Dimension",
    "Indicator",
    "Kind",
    "Measure",
    "Selection",
    "Unit",
    "find_indicator",
]
