"""The OpenAPI documents of the services in step with their applications, beside the other contracts in `schemas/`."""

import json
from pathlib import Path
from typing import Any

from eventlog.ledger import SERVICES
from eventlog.vault import MASTER_KEY_BYTES
from services.openapi import document, problems
from services.process import Process
from services.runtime import Settings

FOLDER = Path("openapi")

# The applications are made, not started: nothing of this is ever connected to.
_NOWHERE = "http://nowhere.invalid"
_SETTINGS = Settings(
    database_url="postgresql+asyncpg://nobody@nowhere.invalid/none",
    vault_key=bytes(MASTER_KEY_BYTES),
    service_key="none",
    peers=dict.fromkeys(SERVICES, _NOWHERE),
)


def write(root: Path) -> list[str]:
    """Generate the document of every service that can be asked something; the files it wrote, below `root`."""
    (root / FOLDER).mkdir(exist_ok=True)
    written = []
    for name, text in _texts().items():
        if _text(root / name) != text:
            (root / name).write_text(text, encoding="utf-8")
            written.append(name)
    return written


def check(root: Path) -> list[str]:
    """What is out of step or departs from the rules, one sentence each; empty when the documents can be relied on."""
    texts = _texts()
    unlisted = {str(path.relative_to(root)) for path in (root / FOLDER).glob("*.json")} - texts.keys()
    return [
        *(f"{name}: out of step; run `spoorboek schemas write`" for name in texts if _text(root / name) != texts[name]),
        *(f"{name}: no service has this name; remove the file" for name in sorted(unlisted)),
        *(f"{name}: {problem}" for name in texts for problem in problems(json.loads(texts[name]))),
    ]


def _texts() -> dict[str, str]:
    documents = {str(FOLDER / f"{name}.json"): _document(name) for name in SERVICES}
    return {
        name: json.dumps(made, indent=2, ensure_ascii=False) + "\n" for name, made in documents.items() if made["paths"]
    }


def _document(service: str) -> dict[str, Any]:
    return document(Process(_SETTINGS, (service,)).app)


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
