"""One round: submissions through both doors while a seeded plan breaks things, and what is left in the end."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from uuid import uuid4

import httpx

from tests.faults.inflicting import Faults
from tests.faults.installation import Installation, installed, own_database, undisturbed
from tests.faults.keeping import Tally
from tests.faults.observing import Kept
from tests.faults.plan import SERVICES, plan
from tests.faults.properties import Round, violations
from tests.faults.report import Report
from tests.faults.sending import Partners
from tests.faults.work import make_work
from tests.parts.folder import remove, run_folder

_SENT_SECONDS = 600  # a slow machine is no fault of ours; a partner that never gets through is


@dataclass(frozen=True)
class Size:
    """How much happens in a round."""

    gemeenten: int = 3
    cases: int = 12
    seconds: float = 30
    mean_wait_seconds: float = 1.5
    rare: bool = True
    """Also what happens once in a round: the broker is away for long, the disk of its log is full."""


async def run_round(seed: int, size: Size) -> Report:
    """Raises nothing for what it finds: that is in the report."""
    report = Report(seed)
    folder = run_folder() / f"faults-{uuid4().hex[:8]}"
    folder.mkdir()
    try:
        with own_database() as database:
            work = make_work(folder, seed, size.gemeenten, size.cases)
            calm = await undisturbed(database, work)
            async with installed(work, database, folder) as installation:
                await _disturb(installation, calm, size, report)
                report.violations += _ended_by_themselves(report.tallies)
                if report.violations:
                    report.violations.append(_last_words(installation))
    finally:
        remove(folder)
    return report


async def _disturb(installation: Installation, calm: Kept, size: Size, report: Report) -> None:
    report.tallies = {name: keeper.tally for name, keeper in installation.keepers.items()}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{installation.lines['door'].port}", timeout=5) as http:
        partners = Partners(installation.work, report.seed, http, installation.bootstrap, size.seconds * 0.8)
        try:
            await installation.up()
        except TimeoutError as error:
            report.violations.append(str(error))
            return
        sending = asyncio.create_task(partners.send_all())
        try:
            faults = Faults(installation, report)
            before = {name: keeper.at_work_seconds for name, keeper in installation.keepers.items()}
            began = monotonic()
            await faults.inflict(plan(report.seed, size.mean_wait_seconds), size.seconds, rare=size.rare)
            over = monotonic()
            for name, keeper in installation.keepers.items():
                report.at_work[name] = (keeper.at_work_seconds - before[name]) / (over - began)
            async with asyncio.timeout(_SENT_SECONDS):
                await sending
            await installation.settle()
            report.settled_seconds = monotonic() - over
            await faults.redrive_at_rest()
            # As the readers left it: the rebuild would mend what they made.
            found = violations(Round(calm, await installation.kept(), partners.seen))
            report.violations += [f"before the rebuild at rest: {one}" for one in found]
            await faults.rebuild_at_rest()
        except TimeoutError as error:
            report.violations.append(f"it did not go on: {error.args or 'partners could not send everything'}")
            return
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending
    kept = await installation.kept()
    report.sent, report.submissions, report.events = partners.seen.sent, len(calm.told), kept.events
    answers = [answer.id for told in kept.answers.values() for answer in told]
    report.other["answers told again"] += len(answers) - len(set(answers))
    report.violations += violations(Round(calm, kept, partners.seen))


def _ended_by_themselves(tallies: dict[str, Tally]) -> list[str]:
    """The services stay up, whatever else is away; a broker whose disk is full may end."""
    return [f"{name} ended by itself: {said}" for name in SERVICES for said in tallies[name].ended_by_itself]


def _last_words(installation: Installation) -> str:
    return "\n".join(f"--- {name}\n{keeper.machine.last_words()}" for name, keeper in installation.keepers.items())
