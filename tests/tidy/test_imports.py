"""The import contracts hold, and each has been seen to fail."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def contracts(root: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(root)})


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package in ("schemas", "eventlog", "services"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "line", "broken"),
    [
        ("services/casework/app.py", "import services.reporting.facts", "services never import one another"),
        ("eventlog/ledger.py", "import services.problem", "Imports point down only"),
        ("schemas/event.py", "import eventlog.errors", "Imports point down only"),
        ("services/intake/gate.py", "import sqlalchemy", "The rules of a service are pure"),
        ("services/casework/case/decisions.py", "import random", "The rules of a service are pure"),
        ("services/reporting/indicators/catalogue.py", "import time", "The rules of a service are pure"),
    ],
)
def test_a_wrong_import_breaks_the_contract(copy: Path, file: str, line: str, broken: str) -> None:
    with (copy / file).open("a") as module:
        module.write(f"\n{line}\n")
    told = contracts(copy)
    assert told.returncode == 1, told.stdout + told.stderr
    assert f"{broken}" in told.stdout
    assert "BROKEN" in told.stdout
