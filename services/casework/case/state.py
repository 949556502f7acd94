"""What a case is after its facts so far: one or more segments, each from its opening to its closing or until now."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Since:
    """A value and the day it took effect."""

    day: date
    value: str


@dataclass(frozen=True, slots=True)
class Contact:
    reference: str
    day: date
    minutes: int


@dataclass(frozen=True, slots=True)
class Referral:
    reference: str
    day: date
    answer: Since | None = None


@dataclass(frozen=True, slots=True)
class Closing:
    day: date
    reason: str
    outcome: str
    referred_to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """Support from `opened_on` until its closing. What happened in it is in order of the day it happened."""

    number: int
    opened_on: date
    age_years: int
    area: str
    channel: str
    help_question: str
    first_case_type: str
    closing: Closing | None = None
    coaches: tuple[Since, ...] = ()
    case_types: tuple[Since, ...] = ()
    first_contact_on: date | None = None
    contacts: tuple[Contact, ...] = ()
    referrals: tuple[Referral, ...] = ()

    def coach_on(self, day: date) -> str | None:
        return _in_effect(self.coaches, day)

    def case_type_on(self, day: date) -> str:
        return _in_effect(self.case_types, day) or self.first_case_type

    def days(self) -> tuple[date, ...]:
        """The days on which something happened that must lie within the segment; a consulent may answer later."""
        return (
            *(() if self.first_contact_on is None else (self.first_contact_on,)),
            *(change.day for change in (*self.coaches, *self.case_types)),
            *(contact.day for contact in self.contacts),
            *(referral.day for referral in self.referrals),
        )


@dataclass(frozen=True, slots=True)
class Case:
    programme: str
    family: str
    youth: str | None
    decision: str | None
    segments: tuple[Segment, ...]
    voided: bool = False

    @property
    def last(self) -> Segment:
        return self.segments[-1]

    def find_contact(self, reference: str) -> Contact | None:
        contacts = (contact for segment in self.segments for contact in segment.contacts)
        return next((contact for contact in contacts if contact.reference == reference), None)

    def find_referral(self, reference: str) -> tuple[Segment, Referral] | None:
        referrals = ((segment, referral) for segment in self.segments for referral in segment.referrals)
        return next((found for found in referrals if found[1].reference == reference), None)


def _in_effect(changes: tuple[Since, ...], day: date) -> str | None:
    return next((change.value for change in reversed(changes) if change.day <= day), None)
