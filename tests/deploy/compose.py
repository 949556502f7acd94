"""Reads docker-compose.yml and starts what it says as processes of this machine, beside a PostgreSQL and a Kafka."""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.parts.kafka_process import free_port

ROOT = Path(__file__).parents[2]
SERVICES = ("intake", "casework", "reporting")
IN_CONTAINER = "8000"


def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return read


def filled(value: str, variables: Mapping[str, str]) -> str:
    """`${NAME:-default}` and `${NAME:?sentence}` as Compose fills them in; raises LookupError with the sentence."""

    def fill(match: re.Match[str]) -> str:
        name, kind, rest = match.group("name", "kind", "rest")
        if variables.get(name):
            return variables[name]
        if kind == ":?":
            raise LookupError(f"{name}: {rest}")
        return rest or ""

    return re.sub(r"\$\{(?P<name>\w+)(?:(?P<kind>:[-?])(?P<rest>[^}]*))?\}", fill, value)


class LocalDeployment:
    """The compose file's own services as processes; the hosts and ports of its network become those of this machine."""

    def __init__(self, database_url: str, kafka: str, variables: Mapping[str, str], logs: Path) -> None:
        self.ports = {service: free_port() for service in SERVICES}
        self._database_url, self._kafka, self._variables, self._logs = database_url, kafka, variables, logs
        self._services: dict[str, Any] = compose()["services"]

    def address(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    def environment(self, service: str) -> dict[str, str]:
        """What Compose would set, with the names of its network and its mounted folders made those of this machine."""
        block = self._services[service]
        environment = {name: filled(value, self._variables) for name, value in block["environment"].items()}
        for mount in block.get("volumes", ()):
            source = str(ROOT / filled(mount["source"], self._variables))
            environment = {name: value.replace(mount["target"], source) for name, value in environment.items()}
        for peer in SERVICES:
            address = f"http://{peer}:{IN_CONTAINER}"
            environment = {name: value.replace(address, self.address(peer)) for name, value in environment.items()}
        environment = {name: value.replace("/app/", f"{ROOT}/") for name, value in environment.items()}
        environment |= {"SPOORBOEK_DATABASE_URL": self._database_url, "SPOORBOEK_KAFKA": self._kafka}
        return environment | {"SPOORBOEK_HOST": "127.0.0.1", "SPOORBOEK_PORT": str(self.ports.get(service, 1))}

    def command(self, service: str) -> list[str]:
        return [str(Path(sys.executable).parent / "spoorboek"), *self._services[service]["command"]]

    def output(self, service: str) -> str:
        return (self._logs / f"{service}.txt").read_text(errors="replace")

    @contextmanager
    def up(self) -> Iterator[None]:
        """Migrate, then start the three; stop them in the end."""
        if self._start("migrate").wait(60):
            raise RuntimeError(f"spoorboek migrate failed:\n{self.output('migrate')}")
        started = [self._start(service) for service in SERVICES]
        try:
            yield
        finally:
            for process in started:
                process.terminate()
            for process in started:
                process.wait(30)

    def _start(self, service: str) -> subprocess.Popen[bytes]:
        with (self._logs / f"{service}.txt").open("wb") as output:
            # Nothing of this machine's environment but the path: a container has none of it either.
            environment = {"PATH": str(Path(sys.executable).parent), **self.environment(service)}
            return subprocess.Popen(
                self.command(service), cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
            )
