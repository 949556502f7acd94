"""The published contracts in step with the models: `write` adds what is new, `check` says what is out of step.

A published schema is a promise. Its file never changes and never goes; `PUBLISHED` holds the sha256 of each.
"""

import hashlib
import json
from pathlib import Path

from pydantic import ValidationError

from schemas.asyncapi import asyncapi
from schemas.describe import json_schema, name_of
from schemas.event import Event
from schemas.registry import EVENTS

JSON = Path("json")
PUBLISHED = JSON / "PUBLISHED"
EXAMPLES = Path("examples")
ASYNCAPI = Path("asyncapi.json")


def write(root: Path) -> list[str]:
    """Publish the schemas that are new and generate the AsyncAPI document; the files it wrote, below `root`.

    A published schema is never rewritten: where its model has changed, `check` says so.
    """
    (root / JSON).mkdir(parents=True, exist_ok=True)
    published = _published(root)
    written = []
    for name, text in _schemas().items():
        path = root / JSON / name
        if published.get(name, _sha256(text)) == _sha256(text) and _text(path) != text:
            path.write_text(text, encoding="utf-8")
            written.append(str(JSON / name))
    added = [f"{_sha256(text)}  {name}\n" for name, text in _schemas().items() if name not in published]
    if added:
        (root / PUBLISHED).write_text((_text(root / PUBLISHED) or "") + "".join(added), encoding="utf-8")
        written.append(str(PUBLISHED))
    if _text(root / ASYNCAPI) != asyncapi():
        (root / ASYNCAPI).write_text(asyncapi(), encoding="utf-8")
        written.append(str(ASYNCAPI))
    return written


def check(root: Path) -> list[str]:
    """What is out of step, one sentence each that says what to do; empty when the contracts can be relied on."""
    return [*_published_problems(root), *_new_problems(root), *_example_problems(root), *_asyncapi_problems(root)]


def _published_problems(root: Path) -> list[str]:
    problems = []
    schemas = _schemas()
    for name, digest in _published(root).items():
        version_two = "a published version never changes: restore it and make a v2 beside it"
        if name not in schemas:
            problems.append(f"{JSON / name}: published, but no event has this type any more; {version_two}")
        elif _sha256(schemas[name]) != digest:
            problems.append(f"{JSON / name}: the model no longer gives the schema that was published; {version_two}")
        if (text := _text(root / JSON / name)) is None:
            problems.append(f"{JSON / name}: published, but the file is gone; restore it")
        elif _sha256(text) != digest:
            problems.append(f"{JSON / name}: the file is not what was published; restore it")
    return problems


def _new_problems(root: Path) -> list[str]:
    published = _published(root)
    unlisted = {path.name for path in (root / JSON).glob("*.json")} - published.keys() - _schemas().keys()
    return [
        *(f"{JSON / name}: not published yet; run `spoorboek schemas write`" for name in _schemas().keys() - published),
        *(f"{JSON / name}: no event has this type; remove the file" for name in sorted(unlisted)),
    ]


def _example_problems(root: Path) -> list[str]:
    problems = []
    examples = {_file(event): event for event in EVENTS.values()}
    for name, event in examples.items():
        if (text := _text(root / EXAMPLES / name)) is None:
            problems.append(f"{EXAMPLES / name}: every event type has an example; write one by hand")
        elif reason := _misfit(event, text):
            problems.append(f"{EXAMPLES / name}: {reason}")
    unlisted = {path.name for path in (root / EXAMPLES).glob("*.json")} - examples.keys()
    return [*problems, *(f"{EXAMPLES / name}: no event has this type; remove the file" for name in sorted(unlisted))]


def _misfit(event: type[Event], text: str) -> str | None:
    """Why the example is not one: it does not fit its model, or it leaves out what the ledger would hold."""
    try:
        decoded = event.model_validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        return f"{'.'.join(str(part) for part in first['loc']) or 'the file'}: {first['msg']}"
    if json.loads(decoded.encode()) != json.loads(text):
        return f"is not in its canonical form; write it as {decoded.encode().decode()}"
    return None


def _asyncapi_problems(root: Path) -> list[str]:
    in_step = _text(root / ASYNCAPI) == asyncapi()
    return [] if in_step else [f"{ASYNCAPI}: out of step with the models; run `spoorboek schemas write`"]


def _schemas() -> dict[str, str]:
    return {
        _file(event): json.dumps(json_schema(event), indent=2, ensure_ascii=False) + "\n" for event in EVENTS.values()
    }


def _published(root: Path) -> dict[str, str]:
    lines = (_text(root / PUBLISHED) or "").splitlines()
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}


def _file(event: type[Event]) -> str:
    return f"{name_of(event)}.json"


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
