"""One round: submissions through both doors while a seeded plan breaks things, and what is left in the end."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from uuid import uuid4

import httpx
from aiokafka.errors import KafkaError

from eventlog.wire import events_topic
from tests.faults.installation import Installation, installed, own_database, undisturbed
from tests.faults.keeping import Tally
from tests.faults.machines import ServiceProcess, until_gone
from tests.faults.observing import Kept
from tests.faults.plan import SERVICES, Fault, plan
from tests.faults.properties import Round, violations
from tests.faults.replaying import Replays
from tests.faults.sending import Partners
from tests.faults.work import make_work
from tests.parts.folder import remove, run_folder
from tests.parts.kafka import admin_of
from tests.parts.kafka_process import free_port

GRACE_SECONDS = 30
"""In which a process that was told to stop must have ended: finished or undone, never half."""
_FULL_SECONDS = 3.0
_SENT_SECONDS = 600  # a slow machine is no fault of ours; a partner that never gets through is


@dataclass(frozen=True)
class Size:
    """How much happens in a round."""

    gemeenten: int = 3
    cases: int = 12
    seconds: float = 30
    mean_wait_seconds: float = 1.5
    fill_disk: bool = True


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


class Faults:
    """Carries out a plan on an installation."""

    def __init__(self, installation: Installation, report: Report) -> None:
        self._installation, self._report = installation, report
        programmes = installation.work.folder / "programmes"
        self._replays = Replays(installation.deployment, programmes, report.other, report.violations)
        self._under_way: set[asyncio.Task[None]] = set()

    async def inflict(self, faults: Iterator[Fault], seconds: float, *, fill_disk: bool) -> None:
        """Go on for `seconds`, then wait until what was begun is over."""
        end = monotonic() + seconds
        full_at = end - seconds / 2 if fill_disk and self._installation.broker.can_be_full else 0.0
        for fault in faults:
            await asyncio.sleep(min(fault.wait_seconds, max(0.0, end - monotonic())))
            if monotonic() >= end:
                break
            if full_at and monotonic() > full_at:
                full_at = 0.0
                fault = Fault("full", ("broker",), 0, _FULL_SECONDS)
            self._begin(fault)
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _begin(self, fault: Fault) -> None:
        task = asyncio.create_task(self._carry_out(fault), name=f"{fault.kind} {', '.join(fault.targets)}")
        self._under_way.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._report.violations.append(f"{task.get_name()}: {error!r}")

    async def _carry_out(self, fault: Fault) -> None:
        keepers = [self._installation.keepers[target] for target in fault.targets if target != "door"]
        match fault.kind:
            case "kill":
                killed = [keeper.kill(fault.seconds, fault.lived_seconds) for keeper in keepers]
                self._report.other["pairs killed"] += killed == [True, True]
            case "pause":
                await keepers[0].pause(fault.seconds)
            case "stop":
                await self._stop(fault.targets[0], fault.seconds)
            case "second":
                await self._second(fault.targets[0], fault.seconds)
            case "full":
                await self._full(fault.seconds)
            case "lose":
                await self._lose(events_topic(fault.targets[0]))
            case "replay":
                await self._replays.run(seconds=fault.seconds)
            case "rollback":
                await self._replays.run("--rollback", seconds=fault.seconds)
            case "cut" | "slow" | "hold":
                await self._line(fault)

    async def rebuild_at_rest(self) -> None:
        """The facts once more, now that nothing fails."""
        await self._replays.run_at_rest()
        await self._installation.settle()

    async def _stop(self, service: str, down_seconds: float) -> None:
        """One that is at work: who is starting has nothing to finish."""
        keeper, process = self._installation.keepers[service], self._installation.services[service]
        try:
            await asyncio.wait_for(keeper.ready.wait(), GRACE_SECONDS)
        except TimeoutError:
            self._report.other["SIGTERM spared, never ready"] += 1
            return
        keeper.stopping(down_seconds)
        process.terminate()
        if not await until_gone(process, GRACE_SECONDS):
            self._report.violations.append(f"{service} did not end within {GRACE_SECONDS} s of SIGTERM")
            process.kill()
        elif code := process.exit_code():
            self._report.violations.append(f"{service} ended with {code} after SIGTERM")

    async def _second(self, service: str, seconds: float) -> None:
        """Another instance joins the groups and takes some of the partitions, then goes without a word."""
        second: ServiceProcess = self._installation.instance(service, free_port())
        second.start()
        try:
            await asyncio.sleep(5 + seconds)
        finally:
            self._report.other["second instances killed"] += second.runs()
            second.kill()

    async def _full(self, seconds: float) -> None:
        broker = self._installation.broker
        self._report.other["disk of the broker's log full"] += 1
        broker.fill()
        try:
            await asyncio.sleep(seconds)
        finally:
            broker.free()

    async def _lose(self, topic: str) -> None:
        """Somebody deletes it, or a disk is gone: the ledger has all that was in it."""
        with suppress(KafkaError):  # The broker is away.
            async with admin_of(self._installation.bootstrap) as admin:
                answer = await admin.delete_topics([topic])
                self._report.other["topics deleted"] += sum(not code for _, code in answer.topic_error_codes)

    async def _line(self, fault: Fault) -> None:
        if (line := self._installation.lines.get(fault.targets[0])) is None:
            return
        self._report.other[f"line {fault.kind}"] += 1
        line.cut()
        if fault.kind == "slow":
            line.delay_seconds = 0.1
        elif fault.kind == "hold":
            line.hold()
        await asyncio.sleep(fault.seconds)
        line.delay_seconds = 0.0
        line.release()


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
            await faults.inflict(plan(report.seed, size.mean_wait_seconds), size.seconds, fill_disk=size.fill_disk)
            over = monotonic()
            for name, keeper in installation.keepers.items():
                report.at_work[name] = (keeper.at_work_seconds - before[name]) / (over - began)
            async with asyncio.timeout(_SENT_SECONDS):
                await sending
            await installation.settle()
            report.settled_seconds = monotonic() - over
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
    report.violations += violations(Round(calm, kept, partners.seen))


def _ended_by_themselves(tallies: dict[str, Tally]) -> list[str]:
    """The services stay up, whatever else is away; a broker whose disk is full may end."""
    return [f"{name} ended by itself: {said}" for name in SERVICES for said in tallies[name].ended_by_itself]


def _last_words(installation: Installation) -> str:
    return "\n".join(f"--- {name}\n{keeper.machine.last_words()}" for name, keeper in installation.keepers.items())
