"""How what was stated about a segment is put right: only the fields that differ become the fact."""

from datetime import date
from typing import Any

from schemas.case import CaseCorrected
from schemas.programme import Programme
from schemas.statement import RegistrationCorrected
from services.casework.case.opening import outside_period
from services.casework.case.refusal import Decision, Refusal, age_outside, unlisted, unlisted_destination
from services.casework.case.state import Case, Segment


def correct(statement: RegistrationCorrected, case: Case, programme: Programme) -> Decision:
    if statement.segment > len(case.segments):
        return Refusal(
            "segment-unknown", f"The case has {len(case.segments)} segment(s), no segment {statement.segment}."
        )
    segment = case.segments[statement.segment - 1]
    changes = _changes(statement, segment)
    if not changes:
        return ()
    if segment.closing is None and changes.keys() & {"closed_on", "reason", "outcome", "referred_to"}:
        return Refusal(
            "not-closed",
            f"Segment {segment.number} is open since {segment.opened_on} and has no closing to correct;"
            f" send support.ended.",
        )
    return (
        _not_yet(changes, statement.occurred_on)
        or _not_in_programme(changes, programme)
        or _cannot_last(changes, segment, case)
        or (CaseCorrected(programme=statement.programme, case=statement.case, segment=segment.number, **changes),)
    )


def _changes(statement: RegistrationCorrected, segment: Segment) -> dict[str, Any]:
    closing = segment.closing
    is_now = {
        "opened_on": segment.opened_on,
        "closed_on": closing and closing.day,
        "age_years": segment.age_years,
        "area": segment.area,
        "channel": segment.channel,
        "help_question": segment.help_question,
        "reason": closing and closing.reason,
        "outcome": closing and closing.outcome,
        "referred_to": closing and closing.referred_to,
    }
    stated = {name: getattr(statement, name) for name in is_now}
    if statement.referred_to is not None:
        stated["referred_to"] = tuple(sorted(set(statement.referred_to)))
    return {name: value for name, value in stated.items() if value is not None and value != is_now[name]}


def _not_yet(changes: dict[str, Any], corrected_on: date) -> Refusal | None:
    """Refuses a day after the correction's own, which the gate has held against today."""
    days = [changes[name] for name in ("opened_on", "closed_on") if name in changes]
    if not days or (latest := max(days)) <= corrected_on:
        return None
    return Refusal("later-than-statement", f"The correction is of {corrected_on}; {latest} had yet to come.")


def _not_in_programme(changes: dict[str, Any], programme: Programme) -> Refusal | None:
    refusals = (_value_not_in_programme(name, value, programme) for name, value in changes.items())
    return next((refusal for refusal in refusals if refusal), None)


def _value_not_in_programme(name: str, value: Any, programme: Programme) -> Refusal | None:
    match name:
        case "opened_on":
            return outside_period(value, programme)
        case "age_years":
            return age_outside(value, programme)
        case "area":
            return unlisted("area-unknown", "areas", value, programme.areas)
        case "channel":
            return unlisted("channel-unknown", "channels", value, programme.channels)
        case "help_question":
            return unlisted("help-question-unknown", "help questions", value, programme.help_questions)
        case "reason":
            return unlisted("closing-reason-unknown", "closing reasons", value, programme.closing_reasons)
        case "outcome":
            return unlisted("outcome-unknown", "outcomes", value, programme.outcomes)
        case "referred_to":
            return unlisted_destination(value, programme)
        case _:  # closed_on: support may end after the programme did
            return None


def _cannot_last(changes: dict[str, Any], segment: Segment, case: Case) -> Refusal | None:
    """Refuses days that would turn the segment around, lay it over its neighbours, or leave out what happened in it."""
    opened_on: date = changes.get("opened_on", segment.opened_on)
    closed_on: date | None = changes.get("closed_on", segment.closing and segment.closing.day)
    if closed_on is not None and closed_on < opened_on:
        return Refusal("closing-before-opening", f"A closing on {closed_on} lies before the opening on {opened_on}.")
    return _overlaps(opened_on, closed_on, segment, case) or _leaves_out(opened_on, closed_on, segment)


def _overlaps(opened_on: date, closed_on: date | None, segment: Segment, case: Case) -> Refusal | None:
    before = case.segments[segment.number - 2] if segment.number > 1 else None
    after = case.segments[segment.number] if segment.number < len(case.segments) else None
    if before and before.closing and opened_on < before.closing.day:
        return Refusal(
            "segments-overlap", f"Segment {before.number} closed on {before.closing.day}; {opened_on} lies before that."
        )
    if after and closed_on and after.opened_on < closed_on:
        return Refusal(
            "segments-overlap", f"Segment {after.number} opened on {after.opened_on}; {closed_on} lies after that."
        )
    return None


def _leaves_out(opened_on: date, closed_on: date | None, segment: Segment) -> Refusal | None:
    days = segment.days()
    if days and (first := min(days)) < opened_on:
        return Refusal("before-opening", f"Support is registered on {first}; that would lie before {opened_on}.")
    if days and closed_on and closed_on < (last := max(days)):
        return Refusal("after-closing", f"Support is registered on {last}; that would lie after {closed_on}.")
    return None
