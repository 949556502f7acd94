"""What happens in the course of support: a coach, contacts, an assessment, the consulent.

A statement is about the segment that holds its day, whenever it arrives: partners log late, also after a closing.
"""

from datetime import date

from schemas.case import (
    CaseAssigned,
    CaseClassified,
    CaseContactLogged,
    CaseFirstContactMade,
    ConsulentAnswered,
    ReferredToConsulent,
)
from schemas.programme import Programme
from schemas.statement import (
    CaseTypeAssessed,
    CoachAssigned,
    ConsulentReferralAnswered,
    ConsulentReferralMade,
    ContactLogged,
    FirstContactMade,
    Statement,
)
from services.casework.case.refusal import Decision, Refusal, unlisted
from services.casework.case.state import Case, Contact, Segment, Since


def assign(statement: CoachAssigned, case: Case) -> Decision:
    segment = _segment_of(statement, case)
    if isinstance(segment, Refusal):
        return segment
    if segment.coach_on(statement.occurred_on) == statement.coach:
        return ()
    return (
        CaseAssigned(programme=statement.programme, case=statement.case, segment=segment.number, coach=statement.coach),
    )


def make_first_contact(statement: FirstContactMade, case: Case) -> Decision:
    if any(segment.first_contact_on == statement.occurred_on for segment in case.segments):
        return ()
    segment = _segment_of(statement, case)
    if isinstance(segment, Refusal):
        return segment
    if segment.first_contact_on is not None:
        return Refusal(
            "contact-differs",
            f"The first contact of segment {segment.number} is registered on {segment.first_contact_on};"
            f" a later one is a contact.logged.",
        )
    return (CaseFirstContactMade(programme=statement.programme, case=statement.case, segment=segment.number),)


def log_contact(statement: ContactLogged, case: Case) -> Decision:
    if known := case.find_contact(statement.contact):
        if known == Contact(statement.contact, statement.occurred_on, statement.minutes):
            return ()
        return Refusal(
            "contact-differs",
            f"This contact is registered on {known.day} with {known.minutes} minutes;"
            f" send another contact under another reference.",
        )
    segment = _segment_of(statement, case)
    if isinstance(segment, Refusal):
        return segment
    return (
        CaseContactLogged(
            programme=statement.programme,
            case=statement.case,
            segment=segment.number,
            contact=statement.contact,
            minutes=statement.minutes,
        ),
    )


def classify(statement: CaseTypeAssessed, case: Case, programme: Programme) -> Decision:
    segment = _segment_of(statement, case)
    if isinstance(segment, Refusal):
        return segment
    if segment.case_type_on(statement.occurred_on) == statement.case_type:
        return ()
    fact = CaseClassified(
        programme=statement.programme, case=statement.case, segment=segment.number, case_type=statement.case_type
    )
    return unlisted("case-type-unknown", "case types", statement.case_type, programme.case_types) or (fact,)


def refer(statement: ConsulentReferralMade, case: Case, programme: Programme) -> Decision:
    if not programme.consulent:
        return _no_consulent(programme)
    if not statement.family_agrees:
        return Refusal(
            "family-must-agree", "A consulent is involved in agreement with the family; familyAgrees was false."
        )
    if found := case.find_referral(statement.referral):
        known = found[1]
        if known.day == statement.occurred_on:
            return ()
        return Refusal(
            "referral-differs",
            f"This referral is registered on {known.day}, not on {statement.occurred_on};"
            f" send another referral under another reference.",
        )
    segment = _segment_of(statement, case)
    if isinstance(segment, Refusal):
        return segment
    return (
        ReferredToConsulent(
            programme=statement.programme, case=statement.case, segment=segment.number, referral=statement.referral
        ),
    )


def answer(statement: ConsulentReferralAnswered, case: Case, programme: Programme) -> Decision:
    """An answer belongs to the segment of its referral, also when that was closed before the consulent answered."""
    if not programme.consulent:
        return _no_consulent(programme)
    if (found := case.find_referral(statement.referral)) is None:
        return Refusal("referral-unknown", "The case has no such referral; send consulent-referral.made first.")
    segment, referral = found
    day = statement.occurred_on
    if known := referral.answer:
        if known == Since(day, statement.answer):
            return ()
        return Refusal("referral-answered", f"The referral was answered on {known.day} already, with {known.value}.")
    if day < referral.day:
        return Refusal("referral-unknown", f"The referral was made on {referral.day}; {day} is earlier.")
    fact = ConsulentAnswered(
        programme=statement.programme,
        case=statement.case,
        segment=segment.number,
        referral=statement.referral,
        answer=statement.answer,
    )
    return unlisted("answer-unknown", "consulent's answers", statement.answer, programme.consulent_answers) or (fact,)


def _no_consulent(programme: Programme) -> Refusal:
    return Refusal("consulent-not-in-programme", f"Programme {programme.id} has no referral to a consulent.")


def _segment_of(statement: Statement, case: Case) -> Segment | Refusal:
    """The segment that holds the statement's day, its closing day included; of two, the later one."""
    day = statement.occurred_on
    later: Segment | None = None
    for segment in reversed(case.segments):
        if segment.opened_on <= day:
            closing = segment.closing
            if closing is None or day <= closing.day:
                return segment
            return _after_closing(closing.day, later, day)
        later = segment
    return Refusal("before-opening", f"The case was opened on {case.segments[0].opened_on}; {day} is earlier.")


def _after_closing(closed_on: date, later: Segment | None, day: date) -> Refusal:
    if later is None:
        return Refusal(
            "case-closed",
            f"The case is closed since {closed_on}; for {day} send support.resumed first, if the family was supported.",
        )
    return Refusal(
        "after-closing",
        f"The case was closed from {closed_on} until it was resumed on {later.opened_on}; {day} lies between.",
    )
