"""The short form, and every seed that a long form failed with whose cause has no test of its own."""

import pytest

from tests.faults.rounds import Size, run_round
from tests.faults.table import table

SHORT = Size(gemeenten=2, cases=8, seconds=12, mean_wait_seconds=0.9, rare=False)
SEEDS = (7,)
"""The first is the short form's own."""


@pytest.mark.connected
@pytest.mark.parametrize("seed", SEEDS)
async def test_nothing_is_lost_and_nothing_counts_twice(seed: int) -> None:
    report = await run_round(seed, SHORT)
    print(table([report]))  # noqa: T201 - shown when it fails
    assert not report.violations, "\n".join(report.violations)
    assert all(tally.kills for tally in report.tallies.values()), "each part is killed at least once"
