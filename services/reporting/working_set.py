"""The rows of the facts tables that a batch of events touches, held in memory while it is folded."""

from dataclasses import dataclass, field

from services.reporting.facts import CaseEvent, Referral, Segment

SegmentKey = tuple[str, str, int]
ReferralKey = tuple[str, str, str]


@dataclass(slots=True)
class WorkingSet:
    """The rows a batch touches: loaded before it, changed by it, written back after it."""

    segments: dict[SegmentKey, Segment] = field(default_factory=dict)
    referrals: dict[ReferralKey, Referral] = field(default_factory=dict)
    changed_segments: set[SegmentKey] = field(default_factory=set)
    changed_referrals: set[ReferralKey] = field(default_factory=set)
    new_events: list[CaseEvent] = field(default_factory=list)

    def put_segment(self, row: Segment) -> None:
        key = (row.gemeente, row.case_id, row.segment)
        self.segments[key] = row
        self.changed_segments.add(key)

    def put_referral(self, row: Referral) -> None:
        key = (row.gemeente, row.case_id, row.referral)
        self.referrals[key] = row
        self.changed_referrals.add(key)

    def segment(self, gemeente: str, case: str, number: int) -> Segment:
        if (row := self.segments.get((gemeente, case, number))) is None:
            raise LookupError(f"segment {number} of case {case} was never opened")
        return row

    def referral(self, gemeente: str, case: str, referral: str) -> Referral:
        if (row := self.referrals.get((gemeente, case, referral))) is None:
            raise LookupError(f"referral {referral} of case {case} was never made")
        return row
