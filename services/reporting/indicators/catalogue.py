"""Every indicator, in the order of the evaluation; adding one to a list below is all it takes to publish it."""

from services.reporting.indicators.consulent import CONSULENT
from services.reporting.indicators.definition import Indicator
from services.reporting.indicators.numbers import NUMBERS
from services.reporting.indicators.shares import SHARES

CATALOGUE: tuple[Indicator, ...] = (*NUMBERS, *SHARES, *CONSULENT)


def find_indicator(indicator_id: str) -> Indicator | None:
    """The newest version of an indicator."""
    versions = [indicator for indicator in CATALOGUE if indicator.id == indicator_id]
    return max(versions, key=lambda indicator: indicator.version, default=None)
