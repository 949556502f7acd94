"""The fold: what each fact of casework does to the facts tables, as pure functions over a working set.

FoldError   the operator: a record of casework's ledger cannot be folded; the message names its ledger and position
"""

from collections.abc import Callable
from dataclasses import fields
from datetime import date
from typing import assert_never

from eventlog.errors import UnreadableRecord
from eventlog.ledger import LedgerId, Recorded
from schemas.case import CaseCorrected as PublishedCorrection
from schemas.case import CaseFact
from schemas.event import SYNTHETIC_PREFIX
from services.reporting.decoding import (
    CaseAssigned,
    CaseClassified,
    CaseClosed,
    CaseContactLogged,
    CaseCorrected,
    CaseFirstContactMade,
    CaseOpened,
    CaseReopened,
    CaseVoided,
    ConsulentAnswered,
    NotDecoded,
    ReferredToConsulent,
    decode_fact,
)
from services.reporting.facts import Referral, Segment
from services.reporting.working_set import WorkingSet

FOLD_VERSION = 1
"""Raise it when the rules below change, so that the facts are rebuilt."""

AgeBandOf = Callable[[str, int], str | None]
"""(programme, age in years) -> the code of the band; raises LookupError for a programme nobody defined."""


class FoldError(UnreadableRecord):
    """An event of casework's ledger cannot be folded."""

    def __init__(self, ledger: LedgerId, position: int, event_type: str, why: str) -> None:
        super().__init__(f"{ledger}/{position}: {event_type} cannot be folded into the facts: {why}")
        self.ledger, self.position = ledger, position


def read_fact(event: Recorded) -> CaseFact | None:
    """The fact that `event` holds; None for casework's answers to submissions, which are no facts about a case."""
    try:
        return decode_fact(event.type, event.data)
    except NotDecoded as error:
        raise FoldError(event.ledger, event.position, event.type, str(error)) from error


def fold_recorded(rows: WorkingSet, event: Recorded, fact: CaseFact, age_band: AgeBandOf) -> None:
    """Bring `rows` and the audit trail from before `event` to after it; where that cannot be, nothing has changed."""
    try:
        fold(rows, fact, event.occurred_on, event.position, event.partner, age_band)
    except LookupError as error:
        raise FoldError(event.ledger, event.position, event.type, str(error)) from error
    rows.new_events.append(event)


def fold(rows: WorkingSet, fact: CaseFact, day: date, position: int, partner: str, age_band: AgeBandOf) -> None:
    """What `fact` does to `rows`, stated by `partner` at `position` about `day`.

    Raises LookupError where it does not fit on what was before: each arm looks up all it needs before it changes any.
    """
    match fact:
        case CaseContactLogged():
            row = _changed(rows, fact, position, partner)
            row.minutes += fact.minutes
            row.contacts += 1
        case CaseAssigned():
            _changed(rows, fact, position, partner)
        case CaseFirstContactMade():
            _changed(rows, fact, position, partner).first_contact_on = day
        case CaseOpened():
            band = age_band(fact.programme, fact.age_years)
            rows.put_segment(_opened(rows, fact, fact.family, fact.youth, band, day, position, partner))
        case CaseClosed():
            row = _changed(rows, fact, position, partner)
            row.closed_on, row.reason, row.outcome, row.referred_to = day, fact.reason, fact.outcome, fact.referred_to
        case CaseReopened():
            last = rows.segment(fact.case, fact.segment - 1)
            band = age_band(fact.programme, fact.age_years)
            rows.put_segment(_opened(rows, fact, last.family, last.youth, band, day, position, partner))
        case CaseClassified():
            _changed(rows, fact, position, partner).case_type = fact.case_type
        case ReferredToConsulent() | ConsulentAnswered():
            _fold_referral(rows, fact, day, position, partner)
        case CaseVoided():
            _void(rows, fact, position, partner)
        case CaseCorrected():
            _correct(rows, fact, position, partner, age_band)
        case _:
            assert_never(fact)


def _changed(rows: WorkingSet, fact: CaseFact, position: int, partner: str) -> Segment:
    row = rows.segment_to_change(fact.case, fact.segment)
    row.last_position = position
    row.synthetic = row.synthetic or partner.startswith(SYNTHETIC_PREFIX)
    return row


def _fold_referral(
    rows: WorkingSet, fact: ReferredToConsulent | ConsulentAnswered, day: date, position: int, partner: str
) -> None:
    rows.segment(fact.case, fact.segment)
    if isinstance(fact, ReferredToConsulent):
        asked = Referral(rows.gemeente, fact.case, fact.referral, fact.segment, day, None, None, position)
    else:
        asked = rows.referral(fact.case, fact.referral)
        asked.answered_on, asked.answer, asked.last_position = day, fact.answer, position
    rows.put_referral(asked)
    _changed(rows, fact, position, partner)


def _void(rows: WorkingSet, fact: CaseVoided, position: int, partner: str) -> None:
    """The whole case: segments count from 1 to the one that the fact names."""
    for number in range(1, fact.segment + 1):
        rows.segment(fact.case, number)
    for number in range(1, fact.segment + 1):
        row = rows.segment_to_change(fact.case, number)
        row.voided, row.last_position = True, position
        row.synthetic = row.synthetic or partner.startswith(SYNTHETIC_PREFIX)


def _opened(
    rows: WorkingSet,
    fact: CaseOpened | CaseReopened,
    family: str,
    youth: str | None,
    band: str | None,
    day: date,
    position: int,
    partner: str,
) -> Segment:
    return Segment(
        gemeente=rows.gemeente,
        case_id=fact.case,
        segment=fact.segment,
        programme=fact.programme,
        family=family,
        youth=youth,
        partner=partner,
        area=fact.area,
        channel=fact.channel,
        help_question=fact.help_question,
        age_years=fact.age_years,
        age_band=band,
        case_type=fact.case_type,
        opened_on=day,
        closed_on=None,
        reason=None,
        outcome=None,
        referred_to=(),
        first_contact_on=None,
        minutes=0,
        contacts=0,
        voided=False,
        synthetic=partner.startswith(SYNTHETIC_PREFIX),
        opened_position=position,
        last_position=position,
    )


_CORRECTABLE = sorted(
    {item.name for item in fields(Segment)} & set(PublishedCorrection.model_fields) - {"programme", "segment"}
)


def _correct(rows: WorkingSet, fact: CaseCorrected, position: int, partner: str, age_band: AgeBandOf) -> None:
    band = None if fact.age_years is None else age_band(fact.programme, fact.age_years)
    row = _changed(rows, fact, position, partner)
    for name in _CORRECTABLE:
        if (value := getattr(fact, name)) is not None:
            setattr(row, name, value)
    if fact.age_years is not None:
        row.age_band = band
