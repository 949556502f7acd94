"""What a fault can befall: the three services, the broker and the database, each an OS process, in one set of words."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import httpx

from tests.deploy.compose import ROOT, LocalDeployment
from tests.parts.kafka import Broker
from tests.parts.kafka_process import BrokerProcess
from tests.parts.line import Line
from tests.parts.postgres_process import PostgresProcess


class Machine(Protocol):
    def start(self) -> None:
        """Blocks until it is up, or as far up as can be seen from outside; raises RuntimeError."""

    def runs(self) -> bool: ...

    def kill(self) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    async def is_ready(self) -> bool: ...

    def last_words(self) -> str:
        """The end of its log."""


def environment_of(deployment: LocalDeployment, service: str, programmes: Path) -> dict[str, str]:
    """The service's own, for this tree's code, also where another one is installed beside the interpreter."""
    ours = {"PATH": str(Path(sys.executable).parent), "PYTHONPATH": str(ROOT)}
    return ours | deployment.environment(service) | {"SPOORBOEK_PROGRAMMES": str(programmes)}


class ServiceProcess:
    """One instance of a service, as docker-compose.yml starts it; another one of the same has its own `port`."""

    def __init__(self, deployment: LocalDeployment, service: str, programmes: Path, log: Path, port: int) -> None:
        self.environment = environment_of(deployment, service, programmes) | {"SPOORBOEK_PORT": str(port)}
        """Of the next start."""
        self._command = deployment.command(service)
        self._log = log
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, env=self.environment, stdout=output, stderr=subprocess.STDOUT
            )

    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        if self._process:
            self._process.wait(30)

    async def end(self, seconds: float) -> int | None:
        """Tell it to end (SIGTERM): its exit code, or None where it runs on after `seconds`.

        Of the process that runs now: the next one may be started before anybody has looked.
        """
        process = self._process
        assert process
        process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while process.poll() is None:
                    await asyncio.sleep(0.05)
        return process.poll()

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    async def is_ready(self) -> bool:
        try:
            return (await self.client.get("/health/ready")).is_success
        except httpx.HTTPError:
            return False

    def last_words(self) -> str:
        code = self.exit_code()
        return _end_of(self._log) + ("" if code is None else f"exit code {code}")

    def exit_code(self) -> int | None:
        return self._process.poll() if self._process else None

    async def behind(self) -> int | None:
        """How many events its readers have before them; None while it cannot say."""
        try:
            answer = await self.client.get("/health/ready")
        except httpx.HTTPError:
            return None
        if not answer.is_success:
            return None
        counts = [reader["eventsBehind"] for reader in answer.json()["readers"]]
        return None if None in counts else sum(counts)

    def _signal(self, number: signal.Signals) -> None:
        if self._process:
            self._process.send_signal(number)


class DatabaseMachine:
    """PostgreSQL, and the line the services reach it by: while it is down, connections are refused."""

    def __init__(self, server: PostgresProcess, line: Line) -> None:
        self._server, self.line = server, line
        self.start, self.runs = server.start, server.runs
        self.pause, self.resume = server.pause, server.resume

    def kill(self) -> None:
        self.line.close()
        self._server.kill()

    async def is_ready(self) -> bool:
        await self.line.open()
        return True

    def last_words(self) -> str:
        return _end_of(self._server.output)


class BrokerMachine:
    """Kafka; `line` where its clients come in by one, `log` where its log has a disk of its own."""

    def __init__(self, broker: Broker, line: Line | None, log: Path | None) -> None:
        self._broker, self.line, self._log = broker, line, log
        self.start, self.pause, self.resume = broker.start, broker.pause, broker.resume

    def runs(self) -> bool:
        return not isinstance(self._broker, BrokerProcess) or self._broker.runs()

    def kill(self) -> None:
        if self.line:
            self.line.close()
        self._broker.kill()

    async def is_ready(self) -> bool:
        if self.line:
            await self.line.open()
        return True

    def last_words(self) -> str:
        return _end_of(self._broker.output) if isinstance(self._broker, BrokerProcess) else ""

    @property
    def can_be_full(self) -> bool:
        return self._log is not None

    def fill(self) -> None:
        """Leave not one byte on the disk of its log."""
        assert self._log
        with (self._log / "filler").open("wb", buffering=0) as filler, suppress(OSError):
            while True:
                filler.write(bytes(1 << 20))

    def free(self) -> None:
        assert self._log
        (self._log / "filler").unlink(missing_ok=True)


def disk(folder: Path, megabytes: int) -> bool:
    """Mount a small disk on `folder`; only root on Linux can, elsewhere the disk is not filled."""
    folder.mkdir()
    if os.geteuid() != 0 or not shutil.which("mount"):
        return False
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "spoorboek-faults", str(folder)]
    return subprocess.run(mount, check=False, capture_output=True).returncode == 0


def unmount(folder: Path) -> None:
    subprocess.run(["umount", "--lazy", str(folder)], check=False, capture_output=True)


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-3000:]
