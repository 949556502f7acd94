"""How a case closes: support ends, or the registration turns out to be void."""

from schemas.case import CaseClosed, CaseVoided
from schemas.programme import Programme
from schemas.statement import RegistrationVoided, SupportEnded
from services.casework.case.refusal import Decision, Refusal, unlisted, unlisted_destination
from services.casework.case.state import Case, Closing, Segment


def end(statement: SupportEnded, case: Case, programme: Programme) -> Decision:
    # A list of destinations has no order, so the same ones stated in another order are the same closing.
    referred_to = tuple(sorted(set(statement.referred_to)))
    stated = Closing(statement.occurred_on, statement.reason, statement.outcome, referred_to)
    # The repeat is looked for first: a history that is sent again must not close what was resumed on that same day.
    if any(segment.closing == stated for segment in case.segments):
        return ()
    if closing := case.last.closing:
        return Refusal(
            "case-closed",
            f"The case is closed since {closing.day}, reason {closing.reason}, outcome {closing.outcome};"
            f" to change that send registration.corrected.",
        )
    fact = CaseClosed(
        programme=statement.programme,
        case=statement.case,
        segment=case.last.number,
        reason=statement.reason,
        outcome=statement.outcome,
        referred_to=referred_to,
    )
    return (
        _cannot_end_on(stated, case.last)
        or unlisted("closing-reason-unknown", "closing reasons", statement.reason, programme.closing_reasons)
        or unlisted("outcome-unknown", "outcomes", statement.outcome, programme.outcomes)
        or unlisted_destination(referred_to, programme)
        or (fact,)
    )


def void(statement: RegistrationVoided, case: Case) -> Decision:
    return (
        CaseVoided(
            programme=statement.programme, case=statement.case, segment=case.last.number, reason=statement.reason
        ),
    )


def _cannot_end_on(closing: Closing, segment: Segment) -> Refusal | None:
    if closing.day < segment.opened_on:
        return Refusal(
            "closing-before-opening",
            f"The case is open since {segment.opened_on}; it cannot close on {closing.day}, which is earlier.",
        )
    latest = max(segment.days(), default=segment.opened_on)
    if closing.day < latest:
        return Refusal(
            "after-closing", f"Support is registered on {latest}; that would lie after a closing on {closing.day}."
        )
    return None
