"""The same seed gives the same bytes, in every process."""

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from services.demonstration.history import write_history
from services.demonstration.load import write_load

SHA256_OF_THE_HISTORY = "116d681f459181811ec2c2c944a5e2e189d48aa4667755e6079551b75e08d3dc"
"""An installation that has loaded the history contests the same ids with other content: change this knowingly."""


def test_the_history_is_the_published_one(tmp_path: Path) -> None:
    lines = write_history(tmp_path / "history.jsonl")

    written = (tmp_path / "history.jsonl").read_bytes()
    assert written.count(b"\n") == lines
    assert sha256(written).hexdigest() == SHA256_OF_THE_HISTORY


def test_another_process_writes_the_same_history(tmp_path: Path) -> None:
    program = (
        "from pathlib import Path; from services.demonstration.history import write_history; "
        f"write_history(Path({str(tmp_path / 'history.jsonl')!r}))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4242", "PYTHONPATH": str(Path.cwd())}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)

    assert sha256((tmp_path / "history.jsonl").read_bytes()).hexdigest() == SHA256_OF_THE_HISTORY


def test_another_seed_gives_another_history(tmp_path: Path) -> None:
    write_history(tmp_path / "other.jsonl", seed=1)

    assert sha256((tmp_path / "other.jsonl").read_bytes()).hexdigest() != SHA256_OF_THE_HISTORY


def test_the_same_load_is_the_same(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_load(tmp_path / name, gemeenten=2, cases=20, seed=7)

    one, two = (sorted(path for path in (tmp_path / name).rglob("*") if path.is_file()) for name in ("one", "two"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
