"""A kept history: its ledgers as their owner gives them over HTTP, and what they came to when they were written."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from eventlog.ledger import Recorded
from eventlog.merkle import Frontier, leaf_hash
from eventlog.wire import Incoming, events_topic, recorded
from schemas.programme import Programmes
from schemas.submission import SubmissionAccepted

ROOT = Path(__file__).parent
KEPT = "KEPT"
MASTER_KEY = bytes(range(32))
"""Of histories alone: all in them are synthetic, so anyone may open what is sealed."""


@dataclass(frozen=True)
class History:
    """One folder: `intake.jsonl`, `casework.jsonl`, `programmes/`, `keys.json` and `expected.json`."""

    folder: Path

    @cached_property
    def expected(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "expected.json").read_text())
        return found

    @cached_property
    def programmes(self) -> Programmes:
        """As they were then: a definition that changes later counts other histories."""
        return Programmes.load(self.folder / "programmes")

    def ledger(self, service: str) -> list[Recorded]:
        lines = (self.folder / f"{service}.jsonl").read_text().splitlines()
        return [_event(service, json.loads(line)) for line in lines]

    def types(self) -> set[str]:
        """Every event type in it, also those of the statements that the gate let in."""
        events = [*self.ledger("intake"), *self.ledger("casework")]
        stated = {json.loads(event.data)["statementType"] for event in events if event.type == SubmissionAccepted.type}
        return stated | {event.type for event in events}


def histories(root: Path = ROOT) -> list[History]:
    return [History(path.parent) for path in sorted(root.glob("*/expected.json"))]


def line_of(event: Recorded) -> str:
    return json.dumps({"attributes": event.attributes(), "data": event.data.decode()}, ensure_ascii=False)


def _event(service: str, line: dict[str, Any]) -> Recorded:
    headers = [(f"ce_{name}", value.encode()) for name, value in line["attributes"].items()]
    return recorded(Incoming(events_topic(service), 0, 0, None, headers, line["data"].encode()))


def root_of(events: list[Recorded]) -> str:
    return Frontier().extend(leaf_hash(event.leaf()) for event in events).root.hex()


def digests(root: Path = ROOT) -> dict[str, str]:
    """The sha256 of every file that is kept, by its path below `root`."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for history in histories(root)
        for path in sorted(history.folder.rglob("*"))
        if path.is_file()
    }


def problems(published: set[str], root: Path = ROOT) -> Iterator[str]:
    """What is no longer as it was kept, and which published types were never kept."""
    lines = [line.split("  ", 1) for line in (root / KEPT).read_text().splitlines()]
    listed = {path: digest for digest, path in lines}
    found = digests(root)
    for path in sorted(listed.keys() | found.keys()):
        if path not in found:
            yield f"{path}: a kept history is gone; restore it"
        elif path not in listed:
            yield f"{path}: not in {KEPT}; write a history with `python -m tests.histories.write NAME`"
        elif listed[path] != found[path]:
            yield f"{path}: a kept history was changed; restore it"
    kept = set().union(*(history.types() for history in histories(root)))
    for name in sorted(published - kept):
        yield f"{name}: published, but no history has it; write one with `python -m tests.histories.write NAME`"
