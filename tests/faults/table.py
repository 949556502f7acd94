"""What the rounds did, as a table for people."""

from collections import Counter
from collections.abc import Sequence
from statistics import mean, median

from tests.faults.plan import TARGETS
from tests.faults.report import Report

HEAD = (
    "",
    "kill -9",
    "of them before ready",
    "SIGSTOP",
    "SIGTERM",
    "ended by itself",
    "at work %",
    "ready again s median",
    "max",
)


def table(reports: Sequence[Report]) -> str:
    """One line for each target, then the sums of all rounds."""
    lines = [f"{HEAD[0]:<12}" + "".join(f"{title:>{len(title) + 3}}" for title in HEAD[1:])]
    for target in TARGETS:
        tallies = [report.tallies[target] for report in reports if target in report.tallies]
        at_work = [report.at_work[target] for report in reports if target in report.at_work]
        back = [seconds for tally in tallies for seconds in tally.back_seconds]
        cells = (
            str(sum(tally.kills for tally in tallies)),
            str(sum(tally.kills_while_starting for tally in tallies)),
            str(sum(tally.pauses for tally in tallies)),
            str(sum(tally.stops for tally in tallies)),
            str(sum(len(tally.ended_by_itself) for tally in tallies)),
            f"{100 * mean(at_work):.0f}" if at_work else "-",
            f"{median(back):.1f}" if back else "-",
            f"{max(back):.1f}" if back else "-",
        )
        lines.append(
            f"{target:<12}" + "".join(f"{cell:>{len(title) + 3}}" for title, cell in zip(HEAD[1:], cells, strict=True))
        )
    return "\n".join([*lines, "", *_sums(reports)])


def _sums(reports: Sequence[Report]) -> list[str]:
    other: Counter[str] = sum((report.other for report in reports), Counter())
    sent: Counter[str] = sum((report.sent for report in reports), Counter())
    settled = [report.settled_seconds for report in reports if report.settled_seconds]
    return [
        f"kills in all: {sum(report.kills for report in reports)} in {len(reports)} rounds",
        *(f"{what}: {count}" for what, count in sorted(other.items())),
        *(f"sent, {what}: {count}" for what, count in sorted(sent.items())),
        f"submissions: {sum(report.submissions for report in reports)}",
        f"events in the ledgers: {sum(report.events for report in reports)}",
        f"seconds from the last fault to rest: median {median(settled or [0]):.1f}, max {max(settled, default=0):.1f}",
        f"violations: {sum(len(report.violations) for report in reports)}",
    ]
