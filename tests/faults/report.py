"""What a round did and found."""

from collections import Counter
from dataclasses import dataclass, field

from tests.faults.keeping import Tally


@dataclass
class Report:
    """What one round did and found."""

    seed: int
    tallies: dict[str, Tally] = field(default_factory=dict)
    other: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    at_work: dict[str, float] = field(default_factory=dict)
    """Which part of the time of the faults each machine was ready."""
    submissions: int = 0
    events: int = 0
    settled_seconds: float = 0.0
    violations: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        return sum(tally.kills for tally in self.tallies.values()) + self.other["second instances killed"]
