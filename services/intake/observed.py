"""The gate as its process sees it: each submission's answer is counted by status and code, and begins its trace."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import assert_never

import structlog

from eventlog.ledger import Ledger
from eventlog.vault import Vault
from eventlog.writer import Writer
from services.intake.bindings import NotACloudEvent
from services.intake.cloudevent import CloudEvent
from services.intake.fate import Fate
from services.intake.gate import KnownProgrammes, Unattributable
from services.intake.partner import Partner
from services.intake.recording import Contested
from services.intake.submissions import Outcome, Submissions
from services.runtime import Telemetry, correlated

log = structlog.get_logger()


class ObservedSubmissions(Submissions):
    """Every door comes through here. What raised has no answer and is not counted: it comes again."""

    def __init__(
        self,
        ledger: Ledger,
        writer: Writer,
        vault: Vault,
        programmes: KnownProgrammes,
        clock: Callable[[], datetime],
        telemetry: Telemetry,
    ) -> None:
        super().__init__(ledger, writer, vault, programmes, clock)
        self._telemetry = telemetry

    async def submit_many(self, sent: Sequence[tuple[Partner, CloudEvent]]) -> list[Outcome]:
        asked, began = self._clock(), time.time_ns()
        outcomes = await super().submit_many(sent)
        ended = time.time_ns()
        fresh: set[str] = set()
        judged = [(outcome, *_said(outcome)) for outcome in outcomes]
        _log(judged)
        for outcome, status, codes in judged:
            self._telemetry.metrics.judged(status, codes)
            # A repeat does not begin a trace; it had its own when it was recorded.
            if isinstance(outcome, Fate) and outcome.received_at >= asked and outcome.submission not in fresh:
                fresh.add(outcome.submission)
                self._telemetry.tracing.submitted(outcome.submission, status, began, ended)
        return outcomes

    def not_a_cloudevent(self, error: NotACloudEvent) -> Unattributable:
        outcome = super().not_a_cloudevent(error)
        self._telemetry.metrics.judged(*_said(outcome))
        return outcome


def _log(judged: Sequence[tuple[Outcome, str, list[str]]]) -> None:
    about = correlated(outcome.submission for outcome, *_ in judged if isinstance(outcome, Fate))
    statuses = Counter(status for _, status, _ in judged)
    codes = sorted({code for *_, some in judged for code in some})
    log.info("submissions judged", service="intake", statuses=dict(statuses), codes=codes, **about)


def _said(outcome: Outcome) -> tuple[str, list[str]]:
    """The status and the codes, each once."""
    match outcome:
        case Fate(errors=errors, rule=rule):
            codes = [rule] if rule is not None else [error.code for error in errors]
            return outcome.status, list(dict.fromkeys(codes))
        case Contested():
            return "contested", []
        case Unattributable(errors=errors):
            return "unattributable", list(dict.fromkeys(error.code for error in errors))
        case _:
            assert_never(outcome)
