"""A replay that says what none may say is heard, however much it says besides."""

import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.faults import commands
from tests.faults.commands import Commands
from tests.faults.replaying import Replays

FEW, MANY = "facts are as they were\n", "a row was this, is that\n" * 1000


@pytest.mark.parametrize(
    ("said", "code", "wrong"),
    [
        (FEW, 0, False),
        (FEW, 1, False),
        ("yet these rows were not what the ledger says; now they are:\n" + MANY, 0, True),
        ("Traceback (most recent call last):\n" + MANY, 1, True),
    ],
)
async def test_what_it_said_first_counts_as_what_it_said_last(
    monkeypatch: pytest.MonkeyPatch, said: str, code: int, wrong: bool
) -> None:
    monkeypatch.setattr(commands, "_SPOORBOEK", [sys.executable, "-c", f"print({said!r}); raise SystemExit({code})"])
    monkeypatch.setattr(commands, "environment_of", lambda *_: {})
    found = list[str]()
    await Replays(Commands(None, Path()), Counter(), found).run(seconds=30)  # type: ignore[arg-type]
    assert bool(found) == wrong
    assert all(len(one) < 4000 for one in found)
