"""An installation to send events to and ask figures of, with short words for both."""

import asyncio
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx

from eventlog.ledger import Append, NewEvent, Recorded
from schemas.event import NAMESPACE
from schemas.programme import PUBLISHED
from services.demonstration.senders import COACHES, CONSULENT, PARTNERS, SCHOOL, Sender, senders_of
from services.demonstration.targets import GEMEENTE, PROGRAMME
from services.process import Process
from services.runtime import Settings

SENDERS = senders_of(GEMEENTE, PROGRAMME)
COACH, ANSWERING, TEACHER = SENDERS[COACHES], SENDERS[CONSULENT], SENDERS[SCHOOL]
PATIENCE_SECONDS = 60
_numbers = count(1)


def settings_for(database_url: str, kafka: str | None, *folders: Path) -> Settings:
    """`folders` hold further `partners/` and `programmes/`."""
    return Settings(
        database_url=database_url,
        kafka=kafka,
        vault_key=bytes(range(32)),
        partners=(PARTNERS, *(folder / "partners" for folder in folders)),
        programmes=(PUBLISHED, *(folder / "programmes" for folder in folders)),
    )


def event(kind: str, case: str, on: str, *, sender: Sender = COACH, id: str = "", **data: Any) -> dict[str, Any]:
    """A statement as a structured CloudEvent: `kind` as in enquiry.received.v1, the rest as in its schema."""
    said = {"programme": sender.programme, "case": case, "family": f"F-{case}", "occurredOn": on} | data
    return {
        "specversion": "1.0",
        "id": id or f"{token_hex(4)}-{next(_numbers)}",
        "source": sender.source,
        "type": NAMESPACE + kind,
        "datacontenttype": "application/json",
        "data": said,
    }


def enquiry(case: str, on: str, **data: Any) -> dict[str, Any]:
    known: dict[str, Any] = {"ageYears": 9, "area": "wijk-a", "channel": "school", "helpQuestion": "parenting"}
    return event("enquiry.received.v1", case, on, **(known | data))


def ended(case: str, on: str, **data: Any) -> dict[str, Any]:
    known: dict[str, Any] = {"reason": "as-planned", "outcome": "goals-met"}
    return event("support.ended.v1", case, on, **(known | data))


@dataclass
class World:
    process: Process
    client: httpx.AsyncClient

    async def send(self, *events: dict[str, Any], sender: Sender = COACH) -> list[dict[str, Any]]:
        """What became of each, once casework and reporting have had them."""
        answer = await self.client.post(
            "/v1/events",
            json=list(events),
            headers={
                "Authorization": f"Bearer {sender.bearer_key}",
                "Content-Type": "application/cloudevents-batch+json",
            },
        )
        assert answer.status_code == 200, answer.text
        await self.settle()
        return [await self.fate(result["submission"], sender) for result in answer.json()["results"]]

    async def fate(self, submission: str, sender: Sender = COACH) -> dict[str, Any]:
        answer = await self.client.get(
            f"/v1/submissions/{submission}", headers={"Authorization": f"Bearer {sender.bearer_key}"}
        )
        assert answer.status_code == 200, answer.text
        fate: dict[str, Any] = answer.json()
        return fate

    async def settle(self) -> None:
        """Returns when every reader has had everything: twice, because the first round's work may make more."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            for _ in range(2):
                while (await self.process.lag()).behind:
                    await asyncio.sleep(0.02)

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.client.get(path, params=query or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def figure(self, indicator: str, period: str = "2023", **query: Any) -> Any:
        """The figure of the programme for the period, as the API gives it."""
        return await self.get(f"/v1/figures/{indicator}", **({"programme": PROGRAMME, "period": period} | query))

    async def value(self, indicator: str, period: str = "2023", **query: Any) -> Any:
        return (await self.figure(indicator, period, **query))["value"]


def strange(after: Recorded, count: int = 1) -> Append:
    """The next events of a case: of a type that nobody published."""
    new = NewEvent("nl.unknown.v1", b"{}", date(2023, 2, 2), after.partner, "c", "", after.case)
    return Append(after.stream, 1, (new,) * count)


async def hold_a_case(world: World, count: int = 1) -> None:
    """A case of which `count` events, from the third of casework's ledger on, are held."""
    await world.send(enquiry("a", "2023-02-01"))
    ledger = world.process.parts["casework"].ledger
    async with ledger.begin() as tx:
        opened = (await ledger.read(tx, GEMEENTE, 0))[0]
        await ledger.append(tx, GEMEENTE, [strange(opened, count)])
    await world.settle()
