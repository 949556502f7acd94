"""What a statement does to a case: the table of rules, and the ones that hold for every statement."""

from typing import assert_never

from schemas.programme import Programme
from schemas.statement import (
    CaseTypeAssessed,
    CoachAssigned,
    ConsulentReferralAnswered,
    ConsulentReferralMade,
    ContactLogged,
    EnquiryReceived,
    FirstContactMade,
    RegistrationCorrected,
    RegistrationVoided,
    SupportEnded,
    SupportResumed,
)
from services.casework.case.closing import end, void
from services.casework.case.correction import correct
from services.casework.case.course import answer, assign, classify, log_contact, make_first_contact, refer
from services.casework.case.opening import open_case, open_known_case, resume
from services.casework.case.refusal import Decision, Refusal
from services.casework.case.state import Case

AnyStatement = (
    EnquiryReceived
    | CoachAssigned
    | FirstContactMade
    | ContactLogged
    | CaseTypeAssessed
    | ConsulentReferralMade
    | ConsulentReferralAnswered
    | SupportEnded
    | SupportResumed
    | RegistrationVoided
    | RegistrationCorrected
)


def decide(statement: AnyStatement, case: Case | None, programme: Programme) -> Decision:
    """The facts that come of `statement`, none where it is so already, or the rule it breaks.

    References are pseudonyms, `programme` is the one the statement names, and every fact happened on the statement's
    day. Stating the same twice adds nothing.
    """
    if case is None:
        if isinstance(statement, EnquiryReceived):
            return open_case(statement, programme)
        return Refusal("case-unknown", "No case was opened under this reference; send enquiry.received first.")
    if refusal := _of_another_case(statement, case):
        return refusal
    if case.voided:
        return _of_voided_case(statement)
    return _of_known_case(statement, case, programme)


def _of_another_case(statement: AnyStatement, case: Case) -> Refusal | None:
    if statement.programme != case.programme:
        return Refusal(
            "case-unknown", f"This reference is a case of programme {case.programme}, not of {statement.programme}."
        )
    if statement.family != case.family:
        return Refusal("family-differs", "The case was opened for another family; check both references.")
    return None


def _of_voided_case(statement: AnyStatement) -> Decision:
    if isinstance(statement, RegistrationVoided):
        return ()
    return Refusal("case-voided", "The registration of this case was voided; register a case under a new reference.")


def _of_known_case(statement: AnyStatement, case: Case, programme: Programme) -> Decision:
    match statement:
        case EnquiryReceived():
            return open_known_case(statement, case)
        case CoachAssigned():
            return assign(statement, case)
        case FirstContactMade():
            return make_first_contact(statement, case)
        case ContactLogged():
            return log_contact(statement, case)
        case CaseTypeAssessed():
            return classify(statement, case, programme)
        case ConsulentReferralMade():
            return refer(statement, case, programme)
        case ConsulentReferralAnswered():
            return answer(statement, case, programme)
        case SupportEnded():
            return end(statement, case, programme)
        case SupportResumed():
            return resume(statement, case, programme)
        case RegistrationVoided():
            return void(statement, case)
        case RegistrationCorrected():
            return correct(statement, case, programme)
        case _:
            assert_never(statement)
