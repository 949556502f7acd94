"""The words of casework's stories: given facts, when a statement, then facts or a refusal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

from schemas import case as facts
from schemas import statement as statements
from schemas.case import CaseFact
from schemas.programme import PUBLISHED, Programme, Programmes
from schemas.submission import RefusalRule
from services.casework.case import AnyStatement, Case, Refusal, decide, evolve

_published = Programmes.load(PUBLISHED).find("gezinscoaches-venray")
assert _published is not None
VENRAY: Programme = _published
TAILORED = VENRAY.model_copy(update={"decision_needed": True, "consulent": False})


def ref(word: str) -> str:
    """A pseudonym that can be told apart by its word."""
    return sha256(word.encode()).hexdigest()[:32]


ABOUT = {"programme": VENRAY.id, "case": ref("case")}
_ENQUIRY = {"age_years": 8, "area": "wijk-a", "channel": "school", "help_question": "parenting"}
_CLOSING = {"reason": "as-planned", "outcome": "goals-met"}


# What partners state.


def _stated(model: type[AnyStatement], day: str, **fields: Any) -> AnyStatement:
    return model.model_validate({**ABOUT, "family": ref("family"), "occurred_on": day, **fields})


def enquire(day: str, **fields: Any) -> AnyStatement:
    return _stated(statements.EnquiryReceived, day, **{**_ENQUIRY, **fields})


def assign(day: str, coach: str = "coach", **fields: Any) -> AnyStatement:
    return _stated(statements.CoachAssigned, day, coach=ref(coach), **fields)


def make_first_contact(day: str, **fields: Any) -> AnyStatement:
    return _stated(statements.FirstContactMade, day, **fields)


def log_contact(day: str, contact: str = "contact", minutes: int = 45, **fields: Any) -> AnyStatement:
    return _stated(statements.ContactLogged, day, contact=ref(contact), minutes=minutes, **fields)


def assess(day: str, case_type: str = "pilot-flame", **fields: Any) -> AnyStatement:
    return _stated(statements.CaseTypeAssessed, day, case_type=case_type, **fields)


def refer(day: str, referral: str = "referral", family_agrees: bool = True, **fields: Any) -> AnyStatement:
    return _stated(statements.ConsulentReferralMade, day, referral=ref(referral), family_agrees=family_agrees, **fields)


def answer(day: str, referral: str = "referral", answer: str = "advised", **fields: Any) -> AnyStatement:
    return _stated(statements.ConsulentReferralAnswered, day, referral=ref(referral), answer=answer, **fields)


def end(day: str, **fields: Any) -> AnyStatement:
    return _stated(statements.SupportEnded, day, **{**_CLOSING, **fields})


def resume(day: str, **fields: Any) -> AnyStatement:
    return _stated(statements.SupportResumed, day, **{**_ENQUIRY, **fields})


def void(day: str, **fields: Any) -> AnyStatement:
    return _stated(statements.RegistrationVoided, day, **{"reason": "registered-twice", **fields})


def correct(day: str, **fields: Any) -> AnyStatement:
    return _stated(statements.RegistrationCorrected, day, **fields)


# What casework records.


@dataclass(frozen=True)
class Happened:
    day: date
    fact: CaseFact


def _happened(model: type[Any], day: str, segment: int, **fields: Any) -> Happened:
    return Happened(date.fromisoformat(day), model.model_validate({**ABOUT, "segment": segment, **fields}))


def opened(day: str, **fields: Any) -> Happened:
    always = {"family": ref("family"), "case_type": "regular"}
    return _happened(facts.CaseOpened, day, 1, **{**always, **_ENQUIRY, **fields})


def assigned(day: str, coach: str = "coach", segment: int = 1) -> Happened:
    return _happened(facts.CaseAssigned, day, segment, coach=ref(coach))


def first_contact_made(day: str, segment: int = 1) -> Happened:
    return _happened(facts.CaseFirstContactMade, day, segment)


def contact_logged(day: str, contact: str = "contact", minutes: int = 45, segment: int = 1) -> Happened:
    return _happened(facts.CaseContactLogged, day, segment, contact=ref(contact), minutes=minutes)


def classified(day: str, case_type: str = "pilot-flame", segment: int = 1) -> Happened:
    return _happened(facts.CaseClassified, day, segment, case_type=case_type)


def referred(day: str, referral: str = "referral", segment: int = 1) -> Happened:
    return _happened(facts.ReferredToConsulent, day, segment, referral=ref(referral))


def answered(day: str, referral: str = "referral", answer: str = "advised", segment: int = 1) -> Happened:
    return _happened(facts.ConsulentAnswered, day, segment, referral=ref(referral), answer=answer)


def closed(day: str, segment: int = 1, **fields: Any) -> Happened:
    return _happened(facts.CaseClosed, day, segment, **{**_CLOSING, **fields})


def reopened(day: str, segment: int = 2, **fields: Any) -> Happened:
    return _happened(facts.CaseReopened, day, segment, **{"case_type": "regular", **_ENQUIRY, **fields})


def voided(day: str, segment: int = 1) -> Happened:
    return _happened(facts.CaseVoided, day, segment, reason="registered-twice")


def corrected(day: str, segment: int = 1, **fields: Any) -> Happened:
    return _happened(facts.CaseCorrected, day, segment, **fields)


# The story itself.


@dataclass(frozen=True)
class Refused:
    rule: RefusalRule
    saying: str = ""


def story(
    given: Sequence[Happened],
    when: AnyStatement,
    then: Sequence[Happened] | Refused,
    programme: Programme = VENRAY,
) -> None:
    """Given what happened, when this is stated, then this happens, or this rule refuses it and says so."""
    decision = decide(when, case_after(given), programme)
    if isinstance(then, Refused):
        assert isinstance(decision, Refusal), f"not refused: {decision}"
        assert decision.rule == then.rule, decision.sentence
        assert then.saying in decision.sentence
    else:
        assert not isinstance(decision, Refusal), f"{decision.rule}: {decision.sentence}"
        assert [Happened(when.occurred_on, fact) for fact in decision] == list(then)


def case_after(given: Sequence[Happened]) -> Case | None:
    case: Case | None = None
    for happened in given:
        case = evolve(case, happened.fact, happened.day)
    return case
