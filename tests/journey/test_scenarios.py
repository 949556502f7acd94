"""From submission to figure, on both buses: what a partner, a policy officer and an auditor each rely on."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from eventlog.ledger import LedgerId
from eventlog.wire import outgoing
from services.demonstration.senders import Sender
from services.demonstration.targets import PROGRAMME
from tests.journey.world import ANSWERING, COACH, TEACHER, World, ended, enquiry, event


async def numbers(world: World, period: str = "2023") -> dict[str, Any]:
    names = {"instroom": "new", "uitstroom": "closed", "actief": "active", "open": "open-at-end"}
    return {dutch: await world.value(indicator, period) for dutch, indicator in names.items()}


async def test_an_enquiry_becomes_a_case_and_a_figure_that_opens_down_to_its_event(world: World) -> None:
    assert await numbers(world) == {"instroom": 0, "uitstroom": 0, "actief": 0, "open": 0}
    (fate,) = await world.send(enquiry("A", "2023-03-01"))
    assert (fate["status"], fate["facts"]) == ("applied", 1)
    figure = await world.figure("new")
    assert (figure["value"], figure["numerator"], figure["denominator"]) == (1, 1, None)
    assert figure["definition"]["hash"]
    behind = await world.get(figure["links"]["segments"])
    assert behind["total"] == figure["value"]
    (segment,) = behind["segments"]
    (opened,) = (await world.get(segment["links"]["events"]))["events"]
    assert opened["envelope"]["type"] == "nl.overheid.jeugdzaken.case.opened.v1"
    assert opened["envelope"]["correlationid"] == fate["submission"]
    assert opened["envelope"]["caseid"] == segment["case"]
    assert figure["ledger"] == {"name": "casework/GM0984", "size": 2, "heldCases": 0}


async def test_a_case_lives_from_enquiry_to_a_second_segment(world: World) -> None:
    fates = await world.send(
        enquiry("A", "2023-01-10"),
        event("coach.assigned.v1", "A", "2023-01-12", coach="C-1"),
        event("first-contact.made.v1", "A", "2023-01-16"),
        event("contact.logged.v1", "A", "2023-01-16", contact="A-1", minutes=60),
        event("case-type.assessed.v1", "A", "2023-02-01", caseType="complex-intensive"),
        event("consulent-referral.made.v1", "A", "2023-02-02", referral="R-1", familyAgrees=True),
    )
    fates += await world.send(
        event("consulent-referral.answered.v1", "A", "2023-02-20", sender=ANSWERING, referral="R-1", answer="advised"),
        sender=ANSWERING,
    )
    fates += await world.send(
        ended("A", "2023-05-10", referredTo=["veilig-thuis"]),
        event("support.resumed.v1", "A", "2023-09-01", ageYears=9, area="wijk-a", channel="direct",
              helpQuestion="other"),
    )  # fmt: skip
    assert [fate["status"] for fate in fates] == ["applied"] * 9
    assert await numbers(world) == {"instroom": 2, "uitstroom": 1, "actief": 1, "open": 1}
    assert await numbers(world, "2023-05") == {"instroom": 0, "uitstroom": 1, "actief": 1, "open": 0}
    assert await world.value("consulent-referrals") == 1


async def test_what_breaks_a_rule_is_refused_with_the_rule_and_counts_nothing(world: World) -> None:
    fates = await world.send(
        ended("A", "2023-01-01"),
        enquiry("A", "2023-03-01"),
        enquiry("A", "2023-03-02"),
        enquiry("B", "2023-03-01", area="elders"),
        enquiry("C", "2024-01-01"),
        enquiry("D", "2023-03-01", ageYears=23),
        event("consulent-referral.made.v1", "A", "2023-03-03", referral="R", familyAgrees=False),
        ended("A", "2023-02-28"),
    )
    assert [(fate["status"], fate.get("rule")) for fate in fates] == [
        ("refused", "case-unknown"),
        ("applied", None),
        ("refused", "case-exists"),
        ("rejected", None),
        ("refused", "outside-programme-period"),
        ("refused", "age-outside-programme"),
        ("refused", "family-must-agree"),
        ("refused", "closing-before-opening"),
    ]
    assert [(error["code"], error["field"]) for error in fates[3]["errors"]] == [("code-unknown", "area")]
    assert await numbers(world) == {"instroom": 1, "uitstroom": 0, "actief": 1, "open": 1}


async def test_what_the_gate_rejects_is_answered_with_code_and_field(world: World) -> None:
    fates = await world.send(
        enquiry("A", "2023-03-01", ageYears="negen"),
        enquiry("A", "2999-01-01"),
        event("coach.assigned.v1", "A", "2023-03-01"),
        enquiry("A", "2023-03-01", youth="111222333"),
    )
    assert [fate["status"] for fate in fates] == ["rejected"] * 4
    assert [(fate["errors"][0]["code"], fate["errors"][0].get("field")) for fate in fates] == [
        ("field-invalid", "ageYears"),
        ("occurred-in-the-future", "occurredOn"),
        ("field-missing", "coach"),
        ("bsn-not-allowed", "youth"),
    ]
    assert await world.value("new") == 0


async def test_the_same_submission_again_has_one_effect_and_one_answer(world: World) -> None:
    one = enquiry("A", "2023-03-01")
    first = await world.send(one)
    assert await world.send(one, one) == first * 2
    again = await asyncio.gather(*(world.send(one, enquiry(f"B{n}", "2023-04-01")) for n in range(5)))
    assert [fates[0] for fates in again] == first * 5
    assert await world.value("new") == 6


async def test_the_same_id_with_other_content_is_an_error_and_the_first_stands(world: World) -> None:
    one = enquiry("A", "2023-03-01", id="twice")
    (first,) = await world.send(one)
    other = enquiry("B", "2023-03-01", id="twice")
    answer = await world.client.post("/v1/events", json=other, headers=structured())
    assert (answer.status_code, answer.json()["title"]) == (409, "Contested")
    await world.settle()
    assert await world.fate(first["submission"]) == first
    assert await world.value("new") == 1


def structured(sender: Sender = COACH) -> dict[str, str]:
    return {"Authorization": f"Bearer {sender.bearer_key}", "Content-Type": "application/cloudevents+json"}


async def test_correcting_and_voiding_change_the_figure_and_keep_the_history(world: World) -> None:
    await world.send(enquiry("A", "2023-03-01"), enquiry("B", "2023-03-01"), ended("A", "2023-06-01"))
    await world.send(
        event("registration.corrected.v1", "A", "2023-06-05", segment=1, closedOn="2022-12-30", openedOn="2022-12-01"),
        event("registration.voided.v1", "B", "2023-06-05", reason="registered-twice"),
    )
    assert await numbers(world) == {"instroom": 0, "uitstroom": 0, "actief": 0, "open": 0}
    assert await numbers(world, "2022") == {"instroom": 1, "uitstroom": 1, "actief": 1, "open": 0}
    (segment,) = (await world.get("/v1/figures/new/segments", programme=PROGRAMME, period="2022"))["segments"]
    events = (await world.get(segment["links"]["events"]))["events"]
    assert [one["envelope"]["type"].split(".case.")[1] for one in events] == [
        "opened.v1",
        "closed.v1",
        "corrected.v1",
    ]


async def test_nobody_sends_for_another_or_without_a_key(world: World) -> None:
    for key in ("", "Bearer wrong"):
        answer = await world.client.post("/v1/events", json=enquiry("A", "2023-03-01"), headers={"Authorization": key})
        assert answer.status_code == 401
    answer = await world.client.post("/v1/events", json=enquiry("A", "2023-03-01"), headers=structured(TEACHER))
    assert answer.status_code == 400
    assert [error["code"] for error in answer.json()["errors"]] == ["source-not-yours"]
    (mine,) = await world.send(enquiry("A", "2023-03-01"))
    asked = await world.client.get(
        f"/v1/submissions/{mine['submission']}", headers={"Authorization": f"Bearer {TEACHER.bearer_key}"}
    )
    assert asked.status_code == 404


@pytest.mark.parametrize("period", ["2022", "2023", "2023-03", "2023-06", "2023-12"])
async def test_open_plus_new_minus_closed_is_open(world: World, period: str) -> None:
    await world.send(
        enquiry("A", "2022-03-01"), enquiry("B", "2023-03-01"), ended("B", "2023-03-01"), enquiry("C", "2023-03-31"),
        ended("A", "2023-06-30"),
        event("support.resumed.v1", "A", "2023-06-30", ageYears=9, area="wijk-b", channel="direct",
              helpQuestion="other"),
    )  # fmt: skip
    for area in ({}, {"area": "wijk-a"}, {"area": "wijk-b"}):
        before = await world.value("open-at-start", period, **area)
        new, closed = await world.value("new", period, **area), await world.value("closed", period, **area)
        assert before + new - closed == await world.value("open-at-end", period, **area)


async def test_duplicated_and_replayed_deliveries_change_nothing(world: World) -> None:
    await world.send(
        enquiry("A", "2023-01-10"), enquiry("B", "2023-01-11"), ended("A", "2023-05-10"), enquiry("A", "2023-06-01")
    )
    before = await everything(world)
    for follower in world.process.followers:
        for gemeente in await follower.source.sizes():
            events = await follower.source.read(gemeente, after=0)
            ledger = LedgerId(follower.reader.source, gemeente)
            await follower.deliver(ledger, events)
            await follower.deliver(ledger, [event for event in events for _ in range(2)])
            if world.process._kafka:
                await world.process._kafka.publish([outgoing(event) for event in reversed(events)])
    await world.settle()
    (fate,) = await world.send(enquiry("C", "2023-07-01"))
    assert fate["status"] == "applied"
    after = await everything(world)
    assert after["events"].pop() not in before["events"]
    assert after["events"] == before["events"]
    assert after["sizes"] == {"intake": before["sizes"]["intake"] + 2, "casework": before["sizes"]["casework"] + 2}


async def everything(world: World) -> dict[str, Any]:
    """The sizes of the ledgers, and every event that reporting has had, in order."""
    sizes = {}
    for service in ("intake", "casework"):
        ledger = world.process.parts[service].ledger
        async with ledger.begin() as tx:
            sizes[service] = (await ledger.sizes(tx))["GM0984"]
    async with world.process.parts["reporting"].engine.connect() as connection:
        rows = await connection.execute(text("SELECT position, type FROM reporting.case_events ORDER BY position"))
        return {"sizes": sizes, "events": [tuple(row) for row in rows]}
