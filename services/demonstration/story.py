"""The life of one case as its partners state it, from the enquiry to the end, in the order in which it happened."""

from dataclasses import dataclass
from datetime import date
from random import Random

from schemas.statement import (
    EnquiryReceived,
    RegistrationCorrected,
    RegistrationVoided,
    Statement,
    SupportEnded,
    SupportResumed,
)
from services.demonstration.cases import Case, Slip
from services.demonstration.choices import OWN_INITIATIVE, pick
from services.demonstration.course import About, course
from services.demonstration.segments import Segment
from services.demonstration.senders import COACHES, SCHOOL

_QUESTIONS = {
    "parenting": 34,
    "separation": 14,
    "social-skills": 13,
    "anxiety": 13,
    "disability": 9,
    "other": 7,
    "loneliness": 5,
    "young-carer": 5,
}
_QUESTIONS_OF_THE_YOUNGEST = {"parenting": 52, "young-child": 33, "separation": 7, "disability": 5, "other": 3}
_OUTCOMES = {"goals-met": 68, "goals-partly-met": 25, "goals-not-met": 7}
_OUTCOMES_WHEN_CUT_SHORT = {"goals-met": 10, "goals-partly-met": 45, "goals-not-met": 45}
_DESTINATIONS = {
    "consulent": 20,
    "tailored-support": 24,
    "social-work": 14,
    "gp-youth-specialist": 12,
    "youth-work": 8,
    "community-team": 7,
    "youth-health": 5,
    "debt-support": 4,
    "carer-support": 3,
    "ehealth": 2,
    "veilig-thuis": 1,
}


@dataclass(frozen=True, slots=True)
class Told:
    """One statement and the role of the partner that makes it."""

    sender: str
    statement: Statement

    @property
    def day(self) -> date:
        return self.statement.occurred_on


def tell(random: Random, about: About, case: Case, last_day: date) -> list[Told]:
    """Everything that is stated of `case` up to and including `last_day`."""
    told = [Told(SCHOOL if case.by_school else COACHES, _enquiry(random, about, case))]
    if case.voided_on is not None:
        told.append(Told(COACHES, RegistrationVoided(**about, occurred_on=case.voided_on, reason=case.voided_as)))
    else:
        for number, segment in enumerate(case.segments, start=1):
            if number > 1:
                told.append(Told(COACHES, _resumed(random, about, case, segment)))
            told += (
                Told(sender, statement) for sender, statement in course(random, about, case, number, segment, last_day)
            )
            told.append(Told(COACHES, _ended(random, about, segment, case.slip)))
    if case.slip is not None:
        told.append(Told(COACHES, _corrected(about, case, case.slip)))
    return sorted((one for one in told if one.day <= last_day), key=lambda one: one.day)


def _enquiry(random: Random, about: About, case: Case) -> EnquiryReceived:
    first = case.segments[0]
    name = case.family.split("-F-")[-1]
    told = {"opened_on": first.opened_on, "area": case.area, "channel": first.channel, "age_years": first.age_years}
    told = _as_stated(told, case.slip)
    return EnquiryReceived.model_validate(
        {
            **about,
            "occurred_on": told["opened_on"],
            "area": told["area"],
            "channel": told["channel"],
            "age_years": told["age_years"],
            "help_question": _question(random, first.age_years),
            "youth": case.family.replace("-F-", "-Y-") if first.age_years >= 0 else None,
            "parent_name": f"Synthetisch Gezin {name}",
            "youth_name": f"Synthetisch Kind {name}" if first.age_years >= 0 else None,
            "email": f"gezin-{name.lower()}@synthetisch.example" if first.channel == "website" else None,
            "note": "Synthetische notitie bij de aanmelding" if random.randrange(4) == 0 else None,
        }
    )


def _resumed(random: Random, about: About, case: Case, segment: Segment) -> SupportResumed:
    return SupportResumed(
        **about,
        occurred_on=segment.opened_on,
        age_years=segment.age_years,
        area=case.area,
        channel=segment.channel,
        help_question=_question(random, segment.age_years),
    )


def _ended(random: Random, about: About, segment: Segment, slip: Slip | None) -> SupportEnded:
    cut_short = segment.reason in (OWN_INITIATIVE, "ended-by-provider", "external-circumstances")
    share_referred = 8 if cut_short else 30
    referred = random.randrange(100) < share_referred
    told = _as_stated({"closed_on": segment.closed_on, "reason": segment.reason}, slip)
    return SupportEnded.model_validate(
        {
            **about,
            "occurred_on": told["closed_on"],
            "reason": told["reason"],
            "outcome": pick(random, _OUTCOMES_WHEN_CUT_SHORT if cut_short else _OUTCOMES),
            "referred_to": (pick(random, _DESTINATIONS),) if referred else (),
            "note": "Synthetische notitie bij de afsluiting" if random.randrange(10) == 0 else None,
        }
    )


def _corrected(about: About, case: Case, slip: Slip) -> RegistrationCorrected:
    first = case.segments[0]
    truth = {
        "opened_on": first.opened_on,
        "closed_on": first.closed_on,
        "area": case.area,
        "channel": first.channel,
        "age_years": first.age_years,
        "reason": first.reason,
    }
    return RegistrationCorrected.model_validate(
        {**about, "occurred_on": slip.corrected_on, "segment": 1, slip.field: truth[slip.field]}
    )


def _as_stated(truth: dict[str, object], slip: Slip | None) -> dict[str, object]:
    """What the partner stated of these fields: the truth, but for the one that went wrong."""
    return truth if slip is None or slip.field not in truth else {**truth, slip.field: slip.stated}


def _question(random: Random, age_years: int) -> str:
    return pick(random, _QUESTIONS_OF_THE_YOUNGEST if age_years < 4 else _QUESTIONS)
