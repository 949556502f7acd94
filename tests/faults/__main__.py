"""The long form, `make faults`: rounds with a seed each until there were enough kills or the time is over.

SPOORBOEK_FAULTS_KILLS (1000), SPOORBOEK_FAULTS_MINUTES (120), SPOORBOEK_FAULTS_SEED (1, the first round's),
SPOORBOEK_FAULTS_ROUND_SECONDS (120), SPOORBOEK_FAULTS_WAIT (0.7: mean seconds between faults), SPOORBOEK_FAULTS_CASES
(40 in each of four gemeenten). Exit code 1 where a property did not hold: keep what it found as a test, by its
cause where that is known, else by its seed, in SEEDS of test_faults.py.
"""

import asyncio
import logging
import os
import signal
import sys
from time import monotonic

import structlog

from tests.faults.report import Report
from tests.faults.rounds import Size, run_round
from tests.faults.table import table


def option(name: str, default: float) -> float:
    return float(os.environ.get(f"SPOORBOEK_FAULTS_{name}", default))


async def main() -> int:
    if task := asyncio.current_task():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    kills, end = option("KILLS", 1000), monotonic() + 60 * option("MINUTES", 120)
    seed, seconds = int(option("SEED", 1)), option("ROUND_SECONDS", 120)
    size = Size(gemeenten=4, cases=int(option("CASES", 40)), seconds=seconds, mean_wait_seconds=option("WAIT", 0.7))
    reports: list[Report] = []
    while monotonic() < end and sum(report.kills for report in reports) < kills:
        report = await run_round(seed, size)
        reports.append(report)
        found = len(report.violations)
        say(f"seed {seed}: {report.kills} kills, {report.submissions} submissions, {found} violations")
        for violation in report.violations[:20]:
            say(f"  {violation}")
        seed += 1
    say("\n" + table(reports))
    return int(any(report.violations for report in reports))


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # that the broker is away is what we wanted
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("warning"))
sys.exit(asyncio.run(main()))
