"""How a case opens: by an enquiry, and again when support is resumed after its closing."""

from datetime import date

from schemas.case import CaseOpened, CaseReopened
from schemas.programme import Programme
from schemas.statement import EnquiryReceived, SupportResumed
from services.casework.case.refusal import Decision, Refusal, age_outside, unlisted
from services.casework.case.state import Case, Segment


def open_case(statement: EnquiryReceived, programme: Programme) -> Decision:
    if programme.decision_needed and statement.decision is None:
        return Refusal("decision-needed", f"Programme {programme.id} needs a decision (beschikking); name it.")
    fact = CaseOpened(
        programme=statement.programme,
        case=statement.case,
        segment=1,
        family=statement.family,
        youth=statement.youth,
        age_years=statement.age_years,
        area=statement.area,
        channel=statement.channel,
        help_question=statement.help_question,
        case_type=programme.first_case_type,
        decision=statement.decision,
    )
    return _not_in_programme(statement, programme) or (fact,)


def open_known_case(statement: EnquiryReceived, case: Case) -> Decision:
    """Nothing where the enquiry says what is registered already; a case opens once."""
    about_family = (statement.youth, statement.decision) == (case.youth, case.decision)
    if about_family and _opened_as_stated(statement, case.segments[0]):
        return ()
    closing = case.last.closing
    now = f"open since {case.last.opened_on}" if closing is None else f"closed since {closing.day}"
    return Refusal(
        "case-exists",
        f"The case exists and is {now}; to change what was registered send registration.corrected,"
        f" to support the family again after a closing send support.resumed.",
    )


def resume(statement: SupportResumed, case: Case, programme: Programme) -> Decision:
    # The repeat is looked for first: a history that is sent again must not open a segment on the day of its closing.
    if any(_opened_as_stated(statement, segment) for segment in case.segments[1:]):
        return ()
    closing = case.last.closing
    if closing is None:
        return Refusal("case-open", f"The case is open since {case.last.opened_on}; only a closed case can be resumed.")
    if statement.occurred_on < closing.day:
        return Refusal(
            "before-last-closing",
            f"The case was closed on {closing.day}; it cannot be resumed on {statement.occurred_on}, which is earlier.",
        )
    fact = CaseReopened(
        programme=statement.programme,
        case=statement.case,
        segment=len(case.segments) + 1,
        age_years=statement.age_years,
        area=statement.area,
        channel=statement.channel,
        help_question=statement.help_question,
        case_type=programme.first_case_type,
    )
    return _not_in_programme(statement, programme) or (fact,)


def outside_period(day: date, programme: Programme) -> Refusal | None:
    if programme.runs_on(day):
        return None
    until = programme.valid_until or "now"
    return Refusal(
        "outside-programme-period",
        f"Programme {programme.id} runs from {programme.valid_from} until {until}; {day} lies outside it.",
    )


def _not_in_programme(statement: EnquiryReceived | SupportResumed, programme: Programme) -> Refusal | None:
    return (
        outside_period(statement.occurred_on, programme)
        or age_outside(statement.age_years, programme)
        or unlisted("area-unknown", "areas", statement.area, programme.areas)
        or unlisted("channel-unknown", "channels", statement.channel, programme.channels)
        or unlisted("help-question-unknown", "help questions", statement.help_question, programme.help_questions)
    )


def _opened_as_stated(statement: EnquiryReceived | SupportResumed, segment: Segment) -> bool:
    return (
        segment.opened_on == statement.occurred_on
        and segment.age_years == statement.age_years
        and segment.area == statement.area
        and segment.channel == statement.channel
        and segment.help_question == statement.help_question
    )
