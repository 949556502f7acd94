"""A second, tiny programme that only this file defines runs from submission to figure without touching code.

It is another kind than Venray's: tailored support that needs a decision, other ages, other channels, no consulent.
"""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.demonstration.senders import COACHES, Sender, partner_file
from tests.journey.conftest import started
from tests.journey.world import World, event, settings_for

PROGRAMME = {
    "id": "jeugdbuurt",
    "version": 1,
    "title": "Jeugdbuurt (bestaat niet)",
    "gemeente": "GM9999",
    "gemeente_title": "Nergenshuizen",
    "source": "tests",
    "valid_from": date(2020, 1, 1),
    "reporting_years": [2022],
    "decision_needed": True,
    "consulent": False,
    "ages": {"from_years": 12, "below_years": 28},
    "age_bands": {"jong": {"from_years": 12, "below_years": 18}, "ouder": {"from_years": 18, "below_years": 28}},
    "areas": {"haven": "Haven", "heide": "Heide"},
    "channels": {"court": "Rechter", "neighbour": "Buur"},
    "help_questions": {"work": "Werk"},
    "case_types": {"plain": "Gewoon"},
    "first_case_type": "plain",
    "closing_reasons": {"moved": "Verhuisd"},
    "outcomes": {"fine": "Goed"},
}
SENDER = Sender(COACHES, "GM9999", "jeugdbuurt", "elders")


@pytest.fixture
async def world(database_url: str, bus: str | None, tmp_path: Path) -> AsyncIterator[World]:
    for folder in ("programmes", "partners"):
        (tmp_path / folder).mkdir()
    (tmp_path / "programmes" / "jeugdbuurt.yaml").write_text(yaml.safe_dump(PROGRAMME))
    (tmp_path / "partners" / f"{SENDER.id}.yaml").write_text(partner_file(SENDER))
    async with started(settings_for(database_url, bus, tmp_path)) as world:
        yield world


def enquiry(case: str, **data: Any) -> dict[str, Any]:
    known: dict[str, Any] = {"ageYears": 19, "area": "haven", "channel": "court", "helpQuestion": "work"}
    known["decision"] = f"B-{case}"
    return event("enquiry.received.v1", case, "2022-04-01", sender=SENDER, **(known | data))


async def test_its_own_rules_and_lists_hold(world: World) -> None:
    fates = await world.send(
        enquiry("A"),
        enquiry("B", channel="neighbour", ageYears=12),
        enquiry("C", ageYears=11),
        enquiry("D", channel="school"),
        {**(without := enquiry("E")), "data": {k: v for k, v in without["data"].items() if k != "decision"}},
        event("support.ended.v1", "A", "2022-08-01", sender=SENDER, reason="moved", outcome="fine"),
        event("consulent-referral.made.v1", "B", "2022-05-01", sender=SENDER, referral="R", familyAgrees=True),
        sender=SENDER,
    )
    assert [(fate["status"], fate.get("rule")) for fate in fates] == [
        ("applied", None),
        ("applied", None),
        ("refused", "age-outside-programme"),
        ("rejected", None),
        ("refused", "decision-needed"),
        ("applied", None),
        ("refused", "consulent-not-in-programme"),
    ]
    assert [(error["code"], error["field"]) for error in fates[3]["errors"]] == [("code-unknown", "channel")]
    mine = {"programme": "jeugdbuurt"}
    assert await world.value("active", "2022", **mine) == 2
    assert await world.value("closed", "2022", **mine) == 1
    assert await world.value("new", "2022", ageBand="jong", **mine) == 1
    assert await world.value("new", "2022", channel="court", **mine) == 1
    page = await world.client.get("/programmas/jeugdbuurt/2022")
    assert page.status_code == 200
    assert "Nergenshuizen" in page.text
    assert "Synthetische gegevens" in page.text
