"""The numbers of cases: stock and flow, and what they add up to."""

from services.reporting.indicators.definition import Indicator, Kind, Measure, Selection, Unit

AT_OPENING = ("area", "channel", "help_question", "age_band", "case_type")
AT_CLOSING = (*AT_OPENING, "duration", "reason", "outcome", "destination")

_CHAPTER = "Aantallen"

NUMBERS: tuple[Indicator, ...] = (
    Indicator(
        id="active",
        version=1,
        title="Actieve casussen",
        explanation=(
            "Casussen die op minstens één dag van de periode liepen: aangemeld op of voor de laatste dag, en niet "
            "afgesloten of afgesloten op of na de eerste dag. Een casus die in de periode heropend is telt één keer. "
            "De evaluatie noemt dezelfde aantallen ook 'gezinnen'."
        ),
        chapter=_CHAPTER,
        unit=Unit.CASE,
        kind=Kind.FLOW,
        numerator=Selection(measure=Measure.ACTIVE),
        dimensions=AT_OPENING,
        source=("E-01", "001:L407"),
    ),
    Indicator(
        id="new",
        version=1,
        title="Instroom (nieuw)",
        explanation="Trajecten die in de periode zijn begonnen. Een heropening is een nieuw traject en telt mee.",
        chapter=_CHAPTER,
        unit=Unit.SEGMENT,
        kind=Kind.FLOW,
        numerator=Selection(measure=Measure.OPENED),
        dimensions=AT_OPENING,
        source=("E-04", "001:L416"),
    ),
    Indicator(
        id="closed",
        version=1,
        title="Uitstroom (afgesloten)",
        explanation="Trajecten die in de periode zijn afgesloten; de dag van afsluiting telt.",
        chapter=_CHAPTER,
        unit=Unit.SEGMENT,
        kind=Kind.FLOW,
        numerator=Selection(measure=Measure.CLOSED),
        dimensions=AT_CLOSING,
        source=("E-02", "T-15", "001:L407"),
    ),
    Indicator(
        id="open-at-start",
        version=1,
        title="Openstaand bij het begin",
        explanation="Casussen die liepen aan het eind van de dag vóór de periode.",
        chapter=_CHAPTER,
        unit=Unit.CASE,
        kind=Kind.STOCK,
        numerator=Selection(measure=Measure.OPEN_AT_START),
        dimensions=AT_OPENING,
        source=("E-03", "001:L407"),
    ),
    Indicator(
        id="open-at-end",
        version=1,
        title="Openstaand aan het eind",
        explanation=(
            "Casussen die liepen aan het eind van de laatste dag van de periode. "
            "Openstaand bij het begin plus instroom min uitstroom is altijd openstaand aan het eind."
        ),
        chapter=_CHAPTER,
        unit=Unit.CASE,
        kind=Kind.STOCK,
        numerator=Selection(measure=Measure.OPEN_AT_END),
        dimensions=AT_OPENING,
        source=("E-03", "001:L407"),
    ),
    Indicator(
        id="families-new",
        version=1,
        title="Gezinnen die zich meldden",
        explanation="Verschillende gezinnen met minstens één traject dat in de periode begon.",
        chapter=_CHAPTER,
        unit=Unit.FAMILY,
        kind=Kind.FLOW,
        numerator=Selection(measure=Measure.OPENED),
        dimensions=AT_OPENING,
        source=("T-02", "001:L811"),
    ),
    Indicator(
        id="reopened",
        version=1,
        title="Heropende casussen",
        explanation="Casussen die eerder waren afgesloten en waarvan in de periode een nieuw traject begon.",
        chapter=_CHAPTER,
        unit=Unit.CASE,
        kind=Kind.FLOW,
        numerator=Selection(measure=Measure.REOPENED),
        dimensions=AT_OPENING,
        source=("§2.0",),
    ),
)
