"""A gate with everything in memory: partners, programmes, a clock that stands still, and events to send."""

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx

from eventlog.ledger import LedgerId, Recorded
from eventlog.memory import MemoryLedger
from eventlog.subject_keys import MemoryKeys
from eventlog.vault import Vault
from eventlog.writer import Writer
from schemas.event import NAMESPACE
from schemas.programme import PUBLISHED, Programme, Programmes
from services.intake.api import make_router
from services.intake.cloudevent import CloudEvent
from services.intake.fate import Fate
from services.intake.pages import make_pages
from services.intake.partner import SHORT_NAMES, Partner
from services.intake.partners import Partners
from services.intake.submissions import Outcome, Submissions
from services.runtime.web import make_app

NOW = datetime(2024, 3, 5, 13, 3, 9, tzinfo=UTC)
TODAY = date(2024, 3, 5)
GEMEENTE = "GM0984"
SOURCE = "urn:nld:oin:00000001234567890000:systeem:registratie"
KEY, OTHER_KEY = "the-key-of-school", "the-key-of-other"
ENQUIRY = NAMESPACE + "enquiry.received.v1"
EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"

VENRAY = next(iter(Programmes.load(PUBLISHED)))


def programme(**changes: Any) -> Programme:
    return VENRAY.model_copy(update=changes)


PROGRAMMES = Programmes(
    {
        "gezinscoaches-venray": VENRAY,
        "not-for-school": programme(id="not-for-school"),
        "elsewhere": programme(id="elsewhere", gemeente="GM0001"),
    }
)


def partner(**changes: Any) -> Partner:
    fields = {
        "id": "school",
        "title": "Basisschool De Vlieger",
        "gemeente": GEMEENTE,
        "sources": [SOURCE],
        "programmes": ["gezinscoaches-venray", "elsewhere"],
        "types": sorted(SHORT_NAMES - {"registration.voided.v1"}),
        "valid_from": date(2023, 1, 1),
        "key_sha256": sha256(KEY.encode()).hexdigest(),
    }
    return Partner.model_validate(fields | changes)


SCHOOL = partner()
OTHER = partner(
    id="other", sources=["urn:nld:kvknr:12345678:systeem:x"], key_sha256=sha256(OTHER_KEY.encode()).hexdigest()
)


def enquiry(**changes: Any) -> dict[str, Any]:
    """The published example as data; a field given as None is left out."""
    data = json.loads((EXAMPLES / "enquiry.received.v1.json").read_text()) | changes
    return {name: value for name, value in data.items() if value is not None}


def attributes(**changes: Any) -> dict[str, Any]:
    given = {"specversion": "1.0", "id": "event-1", "source": SOURCE, "type": ENQUIRY} | changes
    return {name: value for name, value in given.items() if value is not None}


def event(data: Any = None, **changes: Any) -> CloudEvent:
    """A CloudEvent as it comes out of a binding; `data` may also be bytes, changes are of its attributes."""
    raw = data if isinstance(data, bytes) else json.dumps(enquiry() if data is None else data).encode()
    return CloudEvent(attributes(**changes), raw)


def structured(data: Any = None, **changes: Any) -> dict[str, Any]:
    return attributes(**changes) | {"data": enquiry() if data is None else data}


@dataclass
class Desk:
    """The gate behind its doors. `client` asks it over HTTP as the school."""

    partners: Partners = field(default_factory=lambda: Partners([SCHOOL, OTHER]))
    ledger: MemoryLedger = field(default_factory=lambda: MemoryLedger("intake", lambda: NOW))
    vault: Vault = field(default_factory=lambda: Vault(b"0123456789abcdef" * 2, MemoryKeys()))

    def __post_init__(self) -> None:
        writer = Writer(self.ledger, committed=lambda gemeente: None)
        self.submissions = Submissions(self.ledger, writer, self.vault, PROGRAMMES, lambda: NOW)
        routers = [
            make_router(self.submissions, self.partners),
            make_pages(self.submissions, self.partners, PROGRAMMES),
        ]
        self.app = make_app("gate", routers)

    async def submit(self, sent: CloudEvent, sender: Partner = SCHOOL) -> Outcome:
        return await self.submissions.submit(sender, sent)

    async def events(self) -> list[Recorded]:
        async with self.ledger.begin() as tx:
            return await self.ledger.read(tx, GEMEENTE, 0)

    def client(self, key: str | None = KEY) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="https://gate", headers=headers)


def fate(outcome: Outcome) -> Fate:
    assert isinstance(outcome, Fate)
    return outcome


CASEWORK = LedgerId("casework", GEMEENTE)
