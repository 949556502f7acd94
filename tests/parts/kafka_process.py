"""Apache Kafka as a process of this machine: one broker that is its own controller."""

import base64
import random
import signal
import socket
import subprocess
import time
from pathlib import Path
from uuid import uuid4

from tests.parts.kafka_jars import KAFKA, jars, java

STARTED = "Kafka Server started"
START_SECONDS = 90


class BrokerProcess:
    """A broker whose data, ports and address outlive the process."""

    def __init__(self, folder: Path, through: int | None = None) -> None:
        """Clients come in `through` another port of this machine, where somebody passes on to this one."""
        self.folder = folder
        self.port, controller_port = free_port(), free_port()
        self.bootstrap = f"127.0.0.1:{through or self.port}"
        self.output = folder / "output.txt"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True)
        filled = {
            "@PORT@": str(self.port),
            "@ADVERTISED_PORT@": str(through or self.port),
            "@CONTROLLER_PORT@": str(controller_port),
            "@DATA@": str(folder),
        }
        settings = (KAFKA / "server.properties").read_text()
        for placeholder, value in filled.items():
            settings = settings.replace(placeholder, value)
        (folder / "server.properties").write_text(settings)

    def start(self) -> None:
        java_command = self._java()
        if not (self.folder / "log" / "meta.properties").exists():
            cluster = "A" + base64.urlsafe_b64encode(uuid4().bytes).decode()[1:22]
            tool = ("kafka.tools.StorageTool", "format", "--standalone", "-t", cluster, "-c")
            subprocess.run([*java_command, *tool, self._settings], check=True, capture_output=True)
        with self.output.open("ab") as output:
            seen = output.tell()
            self._process = subprocess.Popen(
                [*java_command, "kafka.Kafka", self._settings],
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the tests: they decide when their broker ends
            )
        self._await_start(seen)

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait(30)

    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process, "the broker was never started"
        self._process.send_signal(number)

    @property
    def _settings(self) -> str:
        return str(self.folder / "server.properties")

    @staticmethod
    def _java() -> list[str]:
        log = f"-Dlog4j2.configurationFile={KAFKA / 'log4j2.properties'}"
        return [java(), "-Xmx512m", "-XX:+UseSerialGC", log, "-cp", f"{jars()}/*"]

    def _await_start(self, seen: int) -> None:
        assert self._process
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            if STARTED in self.output.read_bytes()[seen:].decode(errors="replace"):
                return
            time.sleep(0.1)
        self.kill()
        told = self.output.read_text(errors="replace")[-3000:]
        raise RuntimeError(f"Apache Kafka ended, or was not up after {START_SECONDS} s; it said:\n{told}")


_given: set[int] = set()


def free_port() -> int:
    """A port nobody listens on and nobody here was given, below those the system gives to outgoing connections.

    A client that keeps calling a dead broker on an outgoing port can end up connected to itself, and the broker
    could then not come back on it.
    """
    while True:
        port = random.randint(20000, 29999)
        if port in _given:
            continue
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                _given.add(port)
                return port
