"""The fold: what each fact of casework does to the facts tables, as pure functions over a working set.

FoldError   the operator: a record of casework's ledger cannot be folded; the message names its ledger and position
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import date
from typing import Any, assert_never

from pydantic import ValidationError

from eventlog.errors import UnreadableRecord
from eventlog.ledger import Recorded
from schemas.case import (
    CaseAssigned,
    CaseClassified,
    CaseClosed,
    CaseContactLogged,
    CaseCorrected,
    CaseFact,
    CaseFirstContactMade,
    CaseOpened,
    CaseReopened,
    CaseVoided,
    ConsulentAnswered,
    Fact,
    ReferredToConsulent,
)
from schemas.registry import UnknownEventType, decode
from schemas.submission import SubmissionApplied, SubmissionRefused
from services.reporting.facts import CaseEvent, Referral, Segment
from services.reporting.working_set import WorkingSet

FOLD_VERSION = 1
"""Raise it when the rules below change, so that the facts are rebuilt."""

SYNTHETIC = "synthetic-"
"""How the id of a partner begins that does not exist outside a demonstration."""

AgeBandOf = Callable[[str, int], str | None]
"""(programme, age in years) -> the code of the age band; raises LookupError for a programme nobody defined."""


class FoldError(UnreadableRecord):
    """An event of casework's ledger cannot be folded."""

    def __init__(self, event: Recorded, why: str) -> None:
        super().__init__(f"{event}: {event.type} cannot be folded into the facts: {why}")
        self.ledger, self.position = event.ledger, event.position


def read_fact(event: Recorded) -> CaseFact | None:
    """The fact that `event` holds; None for casework's answers to submissions, which are no facts about a case."""
    try:
        decoded = decode(event.type, event.data)
    except UnknownEventType as error:
        raise FoldError(event, "no such event type is published; was it written by a newer version?") from error
    except ValidationError as error:
        raise FoldError(event, f"its data does not fit: {error.errors()[0]['msg']}") from error
    if isinstance(decoded, SubmissionApplied | SubmissionRefused):
        return None
    if not isinstance(decoded, Fact):
        raise FoldError(event, "it is not a fact of casework")
    return decoded  # type: ignore[return-value]  # every Fact is in the CaseFact union; a test holds the two together


def fold(rows: WorkingSet, event: Recorded, fact: CaseFact, age_band: AgeBandOf) -> None:
    """Bring `rows` from before `event` to after it."""
    try:
        _apply(rows, event, fact, age_band)
    except LookupError as error:
        raise FoldError(event, str(error)) from error
    rows.new_events.append(
        CaseEvent(
            event.ledger.gemeente,
            event.position,
            fact.case,
            fact.segment,
            event.version,
            event.type,
            event.occurred_on,
            event.recorded_at,
            event.partner,
            event.correlation,
            event.causation,
            event.data,
        )
    )


def _apply(rows: WorkingSet, event: Recorded, fact: CaseFact, age_band: AgeBandOf) -> None:
    gemeente, day = event.ledger.gemeente, event.occurred_on
    match fact:
        case CaseOpened():
            rows.put_segment(_opened(event, fact, fact.family, fact.youth, age_band))
        case CaseReopened():
            last = rows.segment(gemeente, fact.case, fact.segment - 1)
            rows.put_segment(_opened(event, fact, last.family, last.youth, age_band))
        case CaseAssigned():
            _change(rows, event, fact, {})
        case CaseFirstContactMade():
            _change(rows, event, fact, {"first_contact_on": day})
        case CaseContactLogged():
            was = rows.segment(gemeente, fact.case, fact.segment)
            spent = {"minutes": was.minutes + fact.minutes, "contacts": was.contacts + 1}
            _change(rows, event, fact, spent)
        case CaseClassified():
            _change(rows, event, fact, {"case_type": fact.case_type})
        case ReferredToConsulent():
            _change(rows, event, fact, {})
            asked = Referral(gemeente, fact.case, fact.referral, fact.segment, day, None, None, event.position)
            rows.put_referral(asked)
        case ConsulentAnswered():
            _change(rows, event, fact, {})
            asked = rows.referral(gemeente, fact.case, fact.referral)
            rows.put_referral(replace(asked, answered_on=day, answer=fact.answer, last_position=event.position))
        case CaseClosed():
            _change(rows, event, fact, _ending(fact, day))
        case CaseVoided():
            # The whole case: segments count from 1 to the one that the fact names.
            for number in range(1, fact.segment + 1):
                _change(rows, event, fact, {"voided": True}, number)
        case CaseCorrected():
            _change(rows, event, fact, _corrections(fact, age_band))
        case _:
            assert_never(fact)


def _opened(
    event: Recorded, fact: CaseOpened | CaseReopened, family: str, youth: str | None, age_band: AgeBandOf
) -> Segment:
    return Segment(
        gemeente=event.ledger.gemeente,
        case_id=fact.case,
        segment=fact.segment,
        programme=fact.programme,
        family=family,
        youth=youth,
        partner=event.partner,
        area=fact.area,
        channel=fact.channel,
        help_question=fact.help_question,
        age_years=fact.age_years,
        age_band=age_band(fact.programme, fact.age_years),
        case_type=fact.case_type,
        opened_on=event.occurred_on,
        closed_on=None,
        reason=None,
        outcome=None,
        referred_to=(),
        first_contact_on=None,
        minutes=0,
        contacts=0,
        voided=False,
        synthetic=event.partner.startswith(SYNTHETIC),
        opened_position=event.position,
        last_position=event.position,
    )


def _ending(fact: CaseClosed, day: date) -> dict[str, Any]:
    return {"closed_on": day, "reason": fact.reason, "outcome": fact.outcome, "referred_to": fact.referred_to}


_CORRECTABLE = {item.name for item in fields(Segment)} & set(CaseCorrected.model_fields) - {"programme", "segment"}


def _corrections(fact: CaseCorrected, age_band: AgeBandOf) -> dict[str, Any]:
    changes = {name: value for name in _CORRECTABLE if (value := getattr(fact, name)) is not None}
    if fact.age_years is not None:
        changes["age_band"] = age_band(fact.programme, fact.age_years)
    return changes


def _change(
    rows: WorkingSet, event: Recorded, fact: CaseFact, changes: Mapping[str, Any], number: int | None = None
) -> None:
    was = rows.segment(event.ledger.gemeente, fact.case, number or fact.segment)
    synthetic = was.synthetic or event.partner.startswith(SYNTHETIC)
    rows.put_segment(replace(was, last_position=event.position, synthetic=synthetic, **changes))
