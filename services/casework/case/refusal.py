"""How casework says no: the rule that was broken, and a sentence for the partner who must act."""

from collections.abc import Iterable
from dataclasses import dataclass
from textwrap import shorten

from schemas.case import CaseFact
from schemas.programme import Programme
from schemas.submission import RefusalRule


@dataclass(frozen=True, slots=True)
class Refusal:
    """The sentence carries days and the programme's own codes, never a value that was sent but a day."""

    rule: RefusalRule
    sentence: str


Decision = tuple[CaseFact, ...] | Refusal
"""What comes of a statement: facts, none where it was so already, or a refusal."""


def unlisted(rule: RefusalRule, what: str, code: str, listed: Iterable[str]) -> Refusal | None:
    """Refuses a code that is not on the programme's list of it."""
    if code in (codes := list(listed)):
        return None
    choice = shorten(", ".join(codes), 300, placeholder=" …") or "the programme has none"
    # A value that is on no list may be a name from a wrong column: it is not repeated.
    return Refusal(rule, f"This is not among the {what} of the programme; choose from: {choice}.")


def unlisted_destination(destinations: tuple[str, ...], programme: Programme) -> Refusal | None:
    refusals = (unlisted("destination-unknown", "destinations", code, programme.destinations) for code in destinations)
    return next((refusal for refusal in refusals if refusal), None)


def age_outside(age_years: int, programme: Programme) -> Refusal | None:
    ages = programme.ages
    if age_years in ages:
        return None
    return Refusal(
        "age-outside-programme",
        f"The programme is for ages from {ages.from_years} and below {ages.below_years}; this one lies outside.",
    )
