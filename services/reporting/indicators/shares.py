"""The shares: each is a numerator over a denominator that is named, because the evaluation often names none."""

from services.reporting.indicators.definition import Indicator, Kind, Measure, Selection, Unit
from services.reporting.indicators.numbers import AT_CLOSING, AT_OPENING

_NEW = Selection(measure=Measure.OPENED)
_CLOSED = Selection(measure=Measure.CLOSED)
_ACTIVE = Selection(measure=Measure.ACTIVE)
_NO_DENOMINATOR = "De evaluatie noemt de noemer niet; hier is die de hele instroom van de periode."


def _part(
    id: str,
    title: str,
    explanation: str,
    chapter: str,
    whole: Selection,
    parts: str,
    source: tuple[str, ...],
    unit: Unit = Unit.SEGMENT,
) -> Indicator:
    return Indicator(
        id=id,
        version=1,
        title=title,
        explanation=explanation,
        chapter=chapter,
        unit=unit,
        kind=Kind.FLOW,
        numerator=whole,
        denominator=whole,
        parts=parts,
        dimensions=AT_CLOSING if whole.measure is Measure.CLOSED else AT_OPENING,
        source=source,
    )


SHARES: tuple[Indicator, ...] = (
    _part(
        "new-by-help-question",
        "Nieuwe trajecten naar type hulpvraag",
        f"Het deel van de nieuwe trajecten met deze hulpvraag. {_NO_DENOMINATOR}",
        "Type hulpvraag",
        _NEW,
        "help_question",
        ("E-05", "001:L423"),
    ),
    _part(
        "new-by-age",
        "Nieuwe trajecten naar leeftijd",
        f"Het deel van de nieuwe trajecten in deze leeftijdsgroep, naar de leeftijd bij aanvang. {_NO_DENOMINATOR}",
        "Type hulpvraag",
        _NEW,
        "age_band",
        ("E-05", "001:L428"),
    ),
    Indicator(
        id="closed-within-six-months",
        version=1,
        title="Afgerond binnen 6 maanden",
        explanation=(
            "Het deel van de afgesloten trajecten dat hoogstens zes kalendermaanden duurde: afgesloten op of voor "
            "dezelfde dag zes maanden na aanvang."
        ),
        chapter="Doorlooptijd casussen",
        unit=Unit.SEGMENT,
        kind=Kind.FLOW,
        numerator=Selection(measure=Measure.CLOSED_WITHIN_SIX_MONTHS),
        denominator=_CLOSED,
        dimensions=AT_CLOSING,
        source=("E-06", "001:L227"),
    ),
    _part(
        "closed-by-duration",
        "Afgesloten trajecten naar doorlooptijd",
        "Kalendermaanden van aanvang tot afsluiting, van de trajecten die in de periode zijn afgesloten.",
        "Doorlooptijd casussen",
        _CLOSED,
        "duration",
        ("E-06", "001:L434"),
    ),
    _part(
        "active-by-case-type",
        "Actieve casussen naar soort",
        "Actieve casussen met deze soort; de laatste beoordeling van het traject geldt.",
        "Duurzame waakvlamcontacten en complex intensieve casussen",
        _ACTIVE,
        "case_type",
        ("E-07", "E-08", "001:L443", "001:L446"),
        Unit.CASE,
    ),
    _part(
        "closed-by-case-type",
        "Afgesloten trajecten naar soort",
        "Trajecten met deze soort die in de periode zijn afgesloten; de laatste beoordeling van het traject geldt.",
        "Duurzame waakvlamcontacten en complex intensieve casussen",
        _CLOSED,
        "case_type",
        ("E-07", "E-08", "001:L443", "001:L446"),
    ),
    _part(
        "new-by-channel",
        "Nieuwe trajecten naar verwijzer",
        f"Het deel van de nieuwe trajecten dat zo binnenkwam. {_NO_DENOMINATOR}",
        "Verwijzingen naar het programma",
        _NEW,
        "channel",
        ("E-09", "T-11", "001:L453"),
    ),
    _part(
        "closed-by-reason",
        "Afgesloten trajecten naar reden",
        "Het deel van de afgesloten trajecten met deze reden van afsluiting.",
        "Reden van afsluiting",
        _CLOSED,
        "reason",
        ("E-10", "T-06", "T-15", "001:L455"),
    ),
    Indicator(
        id="referred-on-closing",
        version=1,
        title="Bij afsluiting doorverwezen",
        explanation="Het deel van de afgesloten trajecten dat daarbij naar minstens één organisatie is verwezen.",
        chapter="Bij afsluiting verwezen naar",
        unit=Unit.SEGMENT,
        kind=Kind.FLOW,
        numerator=Selection(measure=Measure.REFERRED_ON_CLOSING),
        denominator=_CLOSED,
        dimensions=AT_CLOSING,
        source=("T-05", "001:L461"),
    ),
    _part(
        "closed-by-destination",
        "Afgesloten trajecten naar organisatie waarnaar is verwezen",
        "Afgesloten trajecten die naar deze organisatie zijn verwezen. Een traject kan naar meer dan één organisatie "
        "zijn verwezen, of naar geen: de delen tellen niet op tot 100 %.",
        "Bij afsluiting verwezen naar",
        _CLOSED,
        "destination",
        ("E-11", "T-05", "001:L461"),
    ),
)
