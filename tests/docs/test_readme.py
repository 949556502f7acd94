"""The commands of the READMEs, run as they stand there."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journey.running import FIRST_RUN_SECONDS, ROOT, Run, nothing_left
from tests.journey.test_run import wait_until
from tests.parts.kafka_process import free_port


def blocks(readme: str) -> list[str]:
    """The shell commands of a document, block by block."""
    return re.findall(r"^```sh\n(.*?)^```$", (ROOT / readme).read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    data, port = tmp_path_factory.mktemp("readme") / "data", free_port()
    with nothing_left(data):
        run = Run(data, port, FIRST_RUN_SECONDS)
        yield data, port
        run.end(signal.SIGINT)


def shell(commands: str, data: Path, port: int) -> str:
    told = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands.replace("localhost:8080", f"localhost:{port}")],
        cwd=ROOT,
        env=os.environ | {"SPOORBOEK_DATA": str(data)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout


def test_the_first_screen_is_the_two_commands() -> None:
    """The first is what `running` runs; the second runs this, and is what the gate of the project runs."""
    assert blocks("README.md")[0].split("\n") == ["make run", "make test", ""]
    assert "make test" in (ROOT / ".ci" / "run").read_text().split("\n")


@pytest.mark.connected
def test_verify_and_replay_work_beside_the_running_services(running: tuple[Path, int]) -> None:
    told = shell(blocks("README.md")[1], *running)
    assert re.search(r"^intake/GM0984: \d+ events, root [0-9a-f]{64}$", told, re.MULTILINE)
    assert "Every row is as it was." in told


@pytest.mark.connected
def test_a_partners_developer_gets_a_first_event_accepted(running: tuple[Path, int]) -> None:
    send, ask, *others = blocks("schemas/README.md")
    assert '"status":"accepted"' in shell(send, *running)
    wait_until(lambda: '"status":"applied"' in shell(ask, *running))
    for block in others:
        assert shell(block, *running)
