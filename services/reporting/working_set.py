"""The rows of one ledger's facts that a batch of events touches, held and changed in memory while it is folded."""

from dataclasses import dataclass, field

from eventlog.ledger import Recorded
from services.reporting.facts import Referral, Segment

SegmentKey = tuple[str, int]
"""(case, number)"""
ReferralKey = tuple[str, str]
"""(case, referral)"""


@dataclass(slots=True)
class WorkingSet:
    """The rows a batch touches: loaded before it, changed by it, written back after it."""

    gemeente: str
    segments: dict[SegmentKey, Segment] = field(default_factory=dict)
    referrals: dict[ReferralKey, Referral] = field(default_factory=dict)
    changed_segments: set[SegmentKey] = field(default_factory=set)
    changed_referrals: set[ReferralKey] = field(default_factory=set)
    new_events: list[Recorded] = field(default_factory=list)

    def put_segment(self, row: Segment) -> None:
        key = (row.case_id, row.segment)
        self.segments[key] = row
        self.changed_segments.add(key)

    def put_referral(self, row: Referral) -> None:
        key = (row.case_id, row.referral)
        self.referrals[key] = row
        self.changed_referrals.add(key)

    def segment(self, case: str, number: int) -> Segment:
        if (row := self.segments.get((case, number))) is None:
            raise LookupError(f"segment {number} of case {case} was never opened")
        return row

    def referral(self, case: str, referral: str) -> Referral:
        if (row := self.referrals.get((case, referral))) is None:
            raise LookupError(f"referral {referral} of case {case} was never made")
        return row

    def segment_to_change(self, case: str, number: int) -> Segment:
        key = (case, number)
        if (row := self.segments.get(key)) is None:
            return self.segment(case, number)
        self.changed_segments.add(key)
        return row

    def to_write(self) -> tuple[list[Segment], list[Referral]]:
        """What was changed since it was last `written`."""
        segments = [self.segments[key] for key in self.changed_segments]
        return segments, [self.referrals[key] for key in self.changed_referrals]

    def written(self) -> None:
        self.changed_segments.clear()
        self.changed_referrals.clear()
        self.new_events.clear()
