"""Old history stays readable: every kept ledger decodes, opens, folds and verifies as on the day it was written."""

import json
import shutil
from pathlib import Path

import pytest

from eventlog.subject_keys import MemoryKeys
from eventlog.vault import Vault
from schemas.registry import EVENTS, decode
from schemas.submission import SubmissionAccepted
from services.casework.submissions import read_submission
from tests.histories.counted import cases_of
from tests.histories.kept import MASTER_KEY, ROOT, History, histories, problems, root_of

SERVICES = ("intake", "casework")
KEPT = pytest.mark.parametrize("kept", histories(), ids=lambda history: history.folder.name)


def test_every_history_is_as_it_was_kept_and_no_published_type_is_without() -> None:
    assert list(problems(set(EVENTS))) == []


@KEPT
@pytest.mark.parametrize("service", SERVICES)
def test_every_event_decodes_to_the_bytes_it_was_read_from(kept: History, service: str) -> None:
    for event in kept.ledger(service):
        assert decode(event.type, event.data).encode() == event.data, str(event)


@KEPT
@pytest.mark.parametrize("service", SERVICES)
def test_the_root_over_every_event_is_the_one_recorded(kept: History, service: str) -> None:
    events = kept.ledger(service)
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    assert {"size": len(events), "root": root_of(events)} == kept.expected["ledgers"][service]


@KEPT
def test_casework_reads_every_statement_that_was_accepted(kept: History) -> None:
    accepted = [event for event in kept.ledger("intake") if event.type == SubmissionAccepted.type]
    for event in accepted:
        assert read_submission(event, kept.programmes).statement.case == event.case


@KEPT
def test_casework_folds_every_case_to_what_it_was(kept: History) -> None:
    assert within(kept.expected["cases"], cases_of(kept.ledger("casework")))


@KEPT
async def test_what_was_sealed_opens(kept: History) -> None:
    keys = MemoryKeys()
    wrapped = json.loads((kept.folder / "keys.json").read_text())
    await keys.keep_first("GM0984", {subject: bytes.fromhex(key) for subject, key in wrapped.items()})
    vault, opened = Vault(MASTER_KEY, keys), 0
    for event in kept.ledger("intake"):
        said = json.loads(event.data)
        stated = said.get("statement", {})
        sealed = {field: value for field, value in stated.items() if str(value).startswith("sealed:")}
        if sealed:
            plain = await vault.unseal("GM0984", stated["family"], sealed, said["submission"])
            assert all("Synthetisch" in value or "synthetisch" in value for value in plain.values()), plain
            opened += len(plain)
    assert opened > 0


def within(expected: object, found: object) -> bool:
    """Whether all that was expected is there; what later versions know besides does not matter."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return all(name in found and within(value, found[name]) for name, value in expected.items())
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(within, expected, found))
    return expected == found


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return shutil.copytree(ROOT, tmp_path / "histories")


def test_a_changed_file_is_seen(copied: Path) -> None:
    path = next(copied.glob("*/casework.jsonl"))
    path.write_text(path.read_text().replace('\\"area\\":\\"wijk-a\\"', '\\"area\\":\\"wijk-b\\"', 1))
    assert list(problems(set(EVENTS), copied)) == [
        f"{path.relative_to(copied)}: a kept history was changed; restore it"
    ]
    history = History(path.parent)
    assert root_of(history.ledger("casework")) != history.expected["ledgers"]["casework"]["root"]


def test_a_file_that_is_gone_and_one_that_was_not_kept_are_seen(copied: Path) -> None:
    (keys,) = copied.glob("*/keys.json")
    keys.rename(keys.with_name("other.json"))
    assert [problem.split(":")[1] for problem in problems(set(EVENTS), copied)] == [
        " a kept history is gone; restore it",
        " not in KEPT; write a history with `python -m tests.histories.write NAME`",
    ]


def test_a_published_type_without_a_history_is_seen() -> None:
    name = "nl.overheid.jeugdzaken.case.opened.v2"
    missing = f"{name}: published, but no history has it; write one with `python -m tests.histories.write NAME`"
    assert list(problems({*EVENTS, name})) == [missing]


def test_a_case_that_folds_otherwise_is_seen() -> None:
    kept = histories()[0]
    found = cases_of(kept.ledger("casework"))
    case = next(iter(kept.expected["cases"]))
    found[case]["segments"][0]["area"] = "elsewhere"
    assert not within(kept.expected["cases"], found)
