"""`spoorboek run` as a person uses it: the first run, the second, Ctrl-C, kill -9 and a third that lost nothing."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import httpx
import psutil
import pytest

from tests.parts.kafka_process import free_port

FIRST_RUN_SECONDS, NEXT_RUN_SECONDS = 180, 30
UP = "Ctrl-C stops it"


class Run:
    """One `spoorboek run` on a folder and a port."""

    def __init__(self, data: Path, port: int, patience_seconds: float) -> None:
        self._log = data.parent / f"run-{monotonic()}.log"
        environment = os.environ | {"SPOORBOEK_DATA": str(data), "SPOORBOEK_PORT": str(port)}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [Path(sys.executable).with_name("spoorboek"), "run"], env=environment, stdout=log, stderr=log
            )
        self.seconds = self._wait(patience_seconds)

    @property
    def output(self) -> str:
        return self._log.read_text()

    def _wait(self, patience_seconds: float) -> float:
        began = monotonic()
        while UP not in self.output and self.process.poll() is None:
            assert monotonic() < began + patience_seconds, self.output
            sleep(0.1)
        return monotonic() - began

    def end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(timeout=30)


@contextmanager
def nothing_left(data: Path) -> Iterator[None]:
    try:
        yield
    finally:
        for process in postgres_of(data):
            process.kill()


def postgres_of(data: Path) -> list[psutil.Process]:
    return [one for one in psutil.process_iter(["cmdline"]) if str(data / "postgres") in (one.info["cmdline"] or ())]


def value(port: int, indicator: str) -> int:
    query = {"programme": "gezinscoaches-venray", "period": "2023"}
    return int(httpx.get(f"http://localhost:{port}/v1/figures/{indicator}", params=query).json()["value"])


def paste(output: str) -> dict[str, str]:
    """Do what the run says: the printed curl line, in a shell."""
    found = re.search(r"^curl .*?'\n", output, re.MULTILINE | re.DOTALL)
    assert found, output
    answer = subprocess.run(["bash", "-c", found[0]], capture_output=True, check=True, text=True)
    said: dict[str, str] = json.loads(answer.stdout)
    return said


@pytest.mark.connected
def test_run_goes_on_through_ctrl_c_and_kill(tmp_path: Path) -> None:
    data, port = tmp_path / "data", free_port()
    with nothing_left(data):
        first = Run(data, port, FIRST_RUN_SECONDS)
        assert f"http://localhost:{port}/programmas/gezinscoaches-venray/2023" in first.output
        assert (value(port, "active"), value(port, "new")) == (285, 178)
        said = paste(first.output)
        assert paste(first.output)["submission"] == said["submission"]
        fate = re.search(r"http://localhost:\d+/inzendingen/[0-9a-f]{32}", first.output)
        assert fate
        wait_until(lambda: "Verwerkt" in httpx.get(fate[0]).text)
        wait_until(lambda: (value(port, "active"), value(port, "new")) == (286, 179))

        taken = subprocess.run(
            [Path(sys.executable).with_name("spoorboek"), "run"],
            env=os.environ | {"SPOORBOEK_DATA": str(data), "SPOORBOEK_PORT": str(free_port())},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (taken.returncode, taken.stderr) == (
            1,
            f"another run uses {data}: stop it, or name another folder with DATA=\n",
        )

        assert first.end(signal.SIGKILL) == -signal.SIGKILL
        second = Run(data, port, NEXT_RUN_SECONDS)
        assert (value(port, "active"), value(port, "new")) == (286, 179)
        assert second.end(signal.SIGINT) in (0, 130)
        assert not postgres_of(data), "Ctrl-C stops PostgreSQL too, also after an earlier kill"

        verified = subprocess.run(
            [Path(sys.executable).with_name("spoorboek"), "verify"],
            env=os.environ | {"SPOORBOEK_DATA": str(data)}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert re.search(r"^casework/GM0984: \d+ events, root [0-9a-f]{64}$", verified.stdout, re.MULTILINE)

        third = Run(data, port, NEXT_RUN_SECONDS)
        assert third.seconds < NEXT_RUN_SECONDS
        assert value(port, "active") == 286
        assert third.end(signal.SIGTERM) in (0, 143, -signal.SIGTERM)


def wait_until(holds) -> None:  # type: ignore[no-untyped-def]
    began = monotonic()
    while not holds():
        assert monotonic() < began + 20
        sleep(0.05)
