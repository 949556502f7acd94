"""The referrals to the gemeente's consulent while a case runs."""

from services.reporting.indicators.definition import Indicator, Kind, Measure, Selection, Unit
from services.reporting.indicators.numbers import AT_OPENING

_CHAPTER = "Inzet van de consulent"

CONSULENT: tuple[Indicator, ...] = (
    Indicator(
        id="consulent-referrals",
        version=1,
        title="Verwijzingen naar de consulent",
        explanation="Vragen aan de consulent van de gemeente die in de periode zijn gesteld; elke verwijzing telt.",
        chapter=_CHAPTER,
        unit=Unit.REFERRAL,
        kind=Kind.FLOW,
        numerator=Selection(measure=Measure.REFERRED_TO_CONSULENT),
        dimensions=(*AT_OPENING, "answer"),
        source=("T-05", "001:L812"),
    ),
    Indicator(
        id="consulent-answers",
        version=1,
        title="Antwoorden van de consulent",
        explanation="Verwijzingen die de consulent in de periode beantwoordde, naar zijn antwoord.",
        chapter=_CHAPTER,
        unit=Unit.REFERRAL,
        kind=Kind.FLOW,
        numerator=Selection(measure=Measure.CONSULENT_ANSWERED),
        denominator=Selection(measure=Measure.CONSULENT_ANSWERED),
        parts="answer",
        dimensions=(*AT_OPENING, "answer"),
        source=("T-05", "001:L812"),
    ),
)
