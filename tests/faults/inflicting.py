"""Carries out a plan of faults on an installation, and what an operator does meanwhile."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from time import monotonic

from aiokafka.errors import KafkaError

from eventlog.wire import events_topic
from tests.faults.commands import Commands
from tests.faults.installation import Installation
from tests.faults.machines import ServiceProcess
from tests.faults.plan import Fault
from tests.faults.quarantining import Quarantining
from tests.faults.replaying import Replays
from tests.faults.report import Report
from tests.parts.kafka import admin_of
from tests.parts.kafka_process import free_port

GRACE_SECONDS = 30
"""In which a process that was told to stop must have ended: finished or undone, never half."""
_FULL_SECONDS = 3.0
_LONG_AWAY_SECONDS = 45.0
"""Longer than any time-out of a Kafka client."""


class Faults:
    """Carries out a plan on an installation."""

    def __init__(self, installation: Installation, report: Report) -> None:
        self._installation, self._report = installation, report
        commands = Commands(installation.deployment, installation.work.folder / "programmes")
        self._replays = Replays(commands, report.other, report.violations)
        self._quarantining = Quarantining(installation, commands, report)
        self._under_way: set[asyncio.Task[None]] = set()

    async def inflict(self, faults: Iterator[Fault], seconds: float, *, rare: bool) -> None:
        """Go on for `seconds`, then wait until what was begun is over; with the `rare` ones, once each."""
        begun = monotonic()
        end = begun + seconds
        rarely = [
            (begun + seconds / 4, Fault("kill", ("broker",), 0, _LONG_AWAY_SECONDS)),
            (begun + seconds * 3 / 4, Fault("full", ("broker",), 0, _FULL_SECONDS)),
        ] * rare
        for fault in faults:
            await asyncio.sleep(min(fault.wait_seconds, max(0.0, end - monotonic())))
            if monotonic() >= end:
                break
            while rarely and monotonic() > rarely[0][0]:
                self._begin(rarely.pop(0)[1])
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
            case "forget":
                await self._quarantining.forget(fault.seconds)
            case "refuse":
                await self._quarantining.refuse(fault.seconds)
            case "redrive":
                await self._quarantining.redrive(fault.targets[0], fault.seconds)
            case "cut" | "slow" | "hold":
                await self._line(fault)

    async def redrive_at_rest(self) -> None:
        """What was held once more, now that it can be taken."""
        await self._quarantining.redrive_at_rest()

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
        if not process.runs():  # Killed just now, which its keeper has not seen yet.
            return
        keeper.stopping(down_seconds)
        code = await process.end(GRACE_SECONDS)
        if code is None:
            self._report.violations.append(f"{service} did not end within {GRACE_SECONDS} s of SIGTERM")
            process.kill()
        elif code:
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
        if not broker.can_be_full:
            return
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
