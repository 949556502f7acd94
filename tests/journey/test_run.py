"""`make run` as a person uses it: the first run, the second, Ctrl-C, kill -9 and a third that lost nothing."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import httpx
import pytest

from tests.journey.running import FIRST_RUN_SECONDS, NEXT_RUN_SECONDS, SPOORBOEK, Run, nothing_left, postgres_of
from tests.parts.kafka_process import free_port

pytestmark = pytest.mark.connected


def test_run_goes_on_through_ctrl_c_and_kill(tmp_path: Path) -> None:
    data, port = tmp_path / "data", free_port()
    with nothing_left(data):
        first = Run(data, port, FIRST_RUN_SECONDS)
        assert f"http://localhost:{port}/programmas/gezinscoaches-venray/2023" in first.output
        assert (value(port, "active"), value(port, "new")) == (285, 178)
        try_what_it_says(first.output, port)
        assert (value(port, "active"), value(port, "new")) == (286, 179)
        refuses_a_second(data)

        assert first.end(signal.SIGKILL) != 0
        second = Run(data, port, NEXT_RUN_SECONDS)
        assert (value(port, "active"), value(port, "new")) == (286, 179)
        assert second.end(signal.SIGINT) in (0, -signal.SIGINT)
        assert "***" not in second.output, "make takes Ctrl-C for what it is, not for an error"
        assert not postgres_of(data), "Ctrl-C stops PostgreSQL too, also after an earlier kill"

        third = Run(data, port, NEXT_RUN_SECONDS)
        assert value(port, "active") == 286
        for process in postgres_of(data):
            process.kill()
        wait_until(
            lambda: httpx.get(f"http://localhost:{port}/health/ready").status_code == 200 and bool(postgres_of(data))
        )
        assert value(port, "active") == 286
        assert third.end(signal.SIGTERM) == 0
        assert not postgres_of(data)


def try_what_it_says(output: str, port: int) -> None:
    """Paste the printed line, twice, and look at the pages it names."""
    found = re.search(r"^curl .*?'\n", output, re.MULTILINE | re.DOTALL)
    fate = re.search(rf"http://localhost:{port}/inzendingen/[0-9a-f]{{32}}-[0-9a-f]{{32}}", output)
    assert found, output
    assert fate, output
    answers = [
        json.loads(subprocess.run(["bash", "-c", found[0]], capture_output=True, check=True, text=True).stdout)
        for _ in range(2)
    ]
    assert answers[0]["submission"] == answers[1]["submission"]
    wait_until(lambda: "Verwerkt" in httpx.get(fate[0]).text)
    wait_until(lambda: value(port, "new") == 179)


@pytest.mark.parametrize("command", [["verify"], ["replay"], ["quarantine", "list"]])
def test_a_command_where_nothing_ever_ran_says_so_and_makes_nothing(tmp_path: Path, command: list[str]) -> None:
    data = tmp_path / "data"
    environment = os.environ | {"SPOORBOEK_DATA": str(data)}
    told = subprocess.run([SPOORBOEK, *command], env=environment, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.startswith(f"nothing ever ran in {data}: `make run` begins there.")
    assert not data.exists()


def test_a_new_partner_goes_into_the_folder_that_the_run_reads(tmp_path: Path) -> None:
    words = ["--title", "Synthetische school", "--gemeente", "GM0984", "--programme", "gezinscoaches-venray"]
    command = [
        str(SPOORBOEK),
        "partner",
        "new",
        "synthetic-new",
        *words,
        "--source",
        "urn:nld:kvknr:00000000:systeem:x",
    ]
    environment = os.environ | {"SPOORBOEK_DATA": str(tmp_path)}
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.startswith(f"{tmp_path}/partners/synthetic-new.yaml written. Restart intake")


def refuses_a_second(data: Path) -> None:
    environment = os.environ | {"SPOORBOEK_DATA": str(data), "SPOORBOEK_PORT": str(free_port())}
    told = subprocess.run([SPOORBOEK, "run"], env=environment, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert told.stderr == f"another run uses {data}: stop it, or name another folder with DATA=\n"


def value(port: int, indicator: str) -> int:
    query = {"programme": "gezinscoaches-venray", "period": "2023"}
    return int(httpx.get(f"http://localhost:{port}/v1/figures/{indicator}", params=query).json()["value"])


def wait_until(holds: Callable[[], bool]) -> None:
    began = monotonic()
    while not holds():
        assert monotonic() < began + 20
        sleep(0.05)
