"""What is published stays as it is: each way to break that promise is shown to be seen."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

from schemas import contracts
from schemas.case import CaseClosed
from schemas.event import NAMESPACE, Code, Event
from schemas.registry import EVENTS

ROOT = Path(__file__).parents[2] / "schemas"
CLOSED = "json/case.closed.v1.json"
EXAMPLE = "examples/case.closed.v1.json"


class CaseClosedAgain(Event):
    type: ClassVar[str] = NAMESPACE + "case.closed.v2"
    reason: Code


class CaseClosedOtherwise(Event):
    """The same type, other fields: what a hurried change looks like."""

    type: ClassVar[str] = CaseClosed.type
    reason: Code


Instead = Callable[[dict[str, type[Event]]], None]


@pytest.fixture
def publish_instead(monkeypatch: pytest.MonkeyPatch) -> Instead:
    """Have other events than those that are published."""
    return lambda events: monkeypatch.setattr(contracts, "EVENTS", events)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(ROOT, tmp_path / "copy", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return tmp_path / "copy"


def test_the_contracts_are_in_step() -> None:
    assert contracts.check(ROOT) == []


def test_writing_twice_writes_nothing_the_second_time(folder: Path) -> None:
    assert contracts.write(folder) == []


def test_everything_is_written_where_nothing_is(tmp_path: Path) -> None:
    written = contracts.write(tmp_path)

    assert len([name for name in written if name.startswith("json/") and name.endswith(".json")]) == len(EVENTS)
    assert (tmp_path / CLOSED).read_bytes() == (ROOT / CLOSED).read_bytes()


def test_a_changed_model_is_seen_and_writing_does_not_hide_it(folder: Path, publish_instead: Instead) -> None:
    publish_instead(EVENTS | {CaseClosed.type: CaseClosedOtherwise})
    before = (folder / CLOSED).read_bytes()

    contracts.write(folder)

    assert (folder / CLOSED).read_bytes() == before
    assert f"{CLOSED}: the model no longer gives the schema that was published" in _only_about(CLOSED, folder)
    assert "make a v2 beside it" in _only_about(CLOSED, folder)


def test_a_type_that_disappears_is_seen(folder: Path, publish_instead: Instead) -> None:
    publish_instead({name: event for name, event in EVENTS.items() if event is not CaseClosed})

    assert "no event has this type any more" in _only_about(CLOSED, folder)


def test_a_published_file_that_is_gone_is_seen_and_can_be_restored(folder: Path) -> None:
    (folder / CLOSED).unlink()

    assert "the file is gone" in _only_about(CLOSED, folder)
    assert contracts.write(folder) == [CLOSED]
    assert contracts.check(folder) == []


def test_an_edited_published_file_is_seen(folder: Path) -> None:
    (folder / CLOSED).write_text((ROOT / CLOSED).read_text().replace('"maxLength": 60', '"maxLength": 90'))

    assert "not what was published" in _only_about(CLOSED, folder)


def test_a_new_version_is_added_and_every_line_before_it_stays(folder: Path, publish_instead: Instead) -> None:
    publish_instead(EVENTS | {CaseClosedAgain.type: CaseClosedAgain})
    before = (folder / "json/PUBLISHED").read_text()

    assert "not published yet" in _only_about("json/case.closed.v2.json", folder)
    contracts.write(folder)

    after = (folder / "json/PUBLISHED").read_text()
    assert after.startswith(before)
    assert after.removeprefix(before).split()[1:] == ["case.closed.v2.json"]
    assert "write one by hand" in _only_about("examples/case.closed.v2.json", folder)


@pytest.mark.parametrize("name", ["json/case.imagined.v1.json", "examples/case.imagined.v1.json"])
def test_a_file_of_no_event_is_seen(name: str, folder: Path) -> None:
    (folder / name).write_text("{}")

    assert "no event has this type" in _only_about(name, folder)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda example: example | {"reason": "No code"}, "reason: String should match pattern"),
        (lambda example: example | {"child": "Noor"}, "child: Extra inputs are not permitted"),
        (lambda example: {k: v for k, v in example.items() if k != "reason"}, "reason: Field required"),
        (lambda example: {k: v for k, v in example.items() if k != "referredTo"}, "is not in its canonical form"),
    ],
)
def test_a_bad_example_is_seen(
    spoil: Callable[[dict[str, object]], dict[str, object]], sentence: str, folder: Path
) -> None:
    (folder / EXAMPLE).write_text(json.dumps(spoil(json.loads((ROOT / EXAMPLE).read_text()))))

    assert sentence in _only_about(EXAMPLE, folder)


def test_an_example_that_is_gone_is_seen(folder: Path) -> None:
    (folder / EXAMPLE).unlink()

    assert "write one by hand" in _only_about(EXAMPLE, folder)


def test_an_asyncapi_document_out_of_step_is_seen(folder: Path) -> None:
    (folder / "asyncapi.json").write_text("{}")

    assert "out of step" in _only_about("asyncapi.json", folder)


def _only_about(name: str, folder: Path) -> str:
    """The problems about `name`, after making sure that there are some."""
    problems = [problem for problem in contracts.check(folder) if problem.startswith(f"{name}:")]
    assert problems
    return "\n".join(problems)
