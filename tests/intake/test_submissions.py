"""One submission has one effect and one outcome, however often and through whichever door it comes."""

import asyncio
import json
from typing import Any

import pytest

from schemas.marks import PersonalMark, fields_marked
from schemas.statement import EnquiryReceived
from schemas.submission import SubmissionAccepted, submission_id
from services.intake import pace
from services.intake.fate import Fate
from services.intake.gate import Unattributable
from services.intake.recording import MOST_CONTESTED, Contested
from tests.intake.desk import GEMEENTE, NOW, SCHOOL, SOURCE, TODAY, Desk, enquiry, event, fate


async def test_an_accepted_statement_is_kept_once_with_its_envelope() -> None:
    desk = Desk()
    outcome = fate(await desk.submit(event()))
    (recorded,) = await desk.events()
    assert (outcome.status, outcome.submission) == ("accepted", submission_id(SOURCE, "event-1"))
    assert recorded.stream == f"submission-{outcome.submission}"
    assert recorded.partner == "school"
    assert recorded.correlation == recorded.causation == outcome.submission
    assert recorded.occurred_on.isoformat() == enquiry()["occurredOn"]


async def test_a_rejection_keeps_the_errors_and_nothing_of_what_was_sent() -> None:
    desk = Desk()
    outcome = fate(await desk.submit(event(enquiry(ageYears="eight", note="geheim"))))
    (recorded,) = await desk.events()
    assert outcome.status == "rejected"
    assert recorded.occurred_on == TODAY
    assert b"geheim" not in recorded.data
    assert set(json.loads(recorded.data)) == {"submission", "source", "id", "errors", "content"}


async def test_references_are_pseudonyms_and_personal_fields_are_sealed() -> None:
    desk = Desk()
    outcome = fate(await desk.submit(event()))
    (recorded,) = await desk.events()
    kept, sent = SubmissionAccepted.decode(recorded.data).statement, enquiry()
    assert kept["case"] == desk.vault.pseudonym(GEMEENTE, "case:gezinscoaches-venray", sent["case"])
    assert kept["family"] == desk.vault.pseudonym(GEMEENTE, "family", sent["family"])
    assert kept["youth"] == desk.vault.pseudonym(GEMEENTE, "youth", sent["youth"])
    sealed = {field: kept[field] for field in ("youthName", "parentName", "phone", "email", "note")}
    assert len(sealed) == len(fields_marked(EnquiryReceived, PersonalMark))
    opened = await desk.vault.unseal(GEMEENTE, kept["family"], sealed, outcome.submission)
    assert opened == {field: sent[field] for field in sealed}


async def test_the_same_again_has_no_effect_and_the_same_outcome() -> None:
    desk = Desk()
    first = await desk.submit(event())
    reordered = json.dumps(dict(reversed(enquiry().items())), indent=4).encode()
    assert await desk.submit(event(reordered, time="2024-01-01T00:00:00Z")) == first
    assert len(await desk.events()) == 1


async def test_a_rejected_submission_stays_rejected_when_it_comes_again() -> None:
    desk = Desk()
    wrong = event(b"no json")
    assert await desk.submit(wrong) == await desk.submit(wrong)
    assert len(await desk.events()) == 1


async def test_other_content_under_the_same_id_is_contested_once_and_has_no_effect() -> None:
    desk = Desk()
    first = fate(await desk.submit(event()))
    other, third = event(enquiry(ageYears=9)), event(b"no json")
    for sent in (other, other, third, other):
        outcome = await desk.submit(sent)
        assert isinstance(outcome, Contested)
        assert outcome.fate.content == first.content
    kinds = [recorded.type.split(".")[-2] for recorded in await desk.events()]
    assert kinds == ["accepted", "contested", "contested"]
    assert fate(await desk.submit(event())).status == "accepted", "the first outcome stands"


async def test_one_id_for_everything_is_recorded_up_to_a_limit_and_in_one_go() -> None:
    desk = Desk()
    appends, append = [], desk.ledger.append

    async def counted(*asked: Any) -> Any:
        appends.extend(asked[2])
        return await append(*asked)

    desk.ledger.append = counted  # type: ignore[method-assign, assignment]
    sent = [(SCHOOL, event(enquiry(case=f"c-{number}"))) for number in range(200)]
    outcomes = await desk.submissions.submit_many(sent)
    assert isinstance(outcomes[0], Fate)
    assert all(isinstance(outcome, Contested) for outcome in outcomes[1:])
    assert [len(one.events) for one in appends] == [1, MOST_CONTESTED]
    again = await desk.submissions.submit_many(sent[100:])
    assert all(isinstance(outcome, Contested) for outcome in again)
    assert isinstance(await desk.submit(event(enquiry(case="c-another"))), Contested)
    assert len(await desk.events()) == 1 + MOST_CONTESTED


async def test_a_long_batch_lets_others_have_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "_LONGEST_TURN_SECONDS", 0)
    desk = Desk()
    working = asyncio.create_task(
        desk.submissions.submit_many([(SCHOOL, event({}, id=f"e{number}")) for number in range(400)])
    )
    turns = 0
    while not working.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 400


@pytest.mark.parametrize("senders", [2, 20])
async def test_a_race_of_the_same_submission_has_one_effect(senders: int) -> None:
    desk = Desk()
    outcomes = await asyncio.gather(*(desk.submit(event()) for _ in range(senders)))
    assert len(await desk.events()) == 1
    assert len({fate(outcome).submission for outcome in outcomes}) == 1


async def test_a_race_for_one_id_with_other_contents_has_one_winner() -> None:
    desk = Desk()
    sends = [event(enquiry(ageYears=age)) for age in range(10)] * 2
    outcomes = await asyncio.gather(*(desk.submit(sent) for sent in sends))
    winners = {outcome.content for outcome in outcomes if not isinstance(outcome, Contested | Unattributable)}
    assert len(winners) == 1
    kinds = [recorded.type.split(".")[-2] for recorded in await desk.events()]
    assert kinds == ["accepted"] + ["contested"] * 9


async def test_a_batch_is_recorded_in_its_order() -> None:
    desk = Desk()
    sent = [event(enquiry(family=f"f-{number % 7}"), id=f"event-{number}") for number in range(700)]
    outcomes = await desk.submissions.submit_many([(SCHOOL, one) for one in sent])
    assert [fate(one).submission for one in outcomes] == [submission_id(SOURCE, f"event-{n}") for n in range(700)]
    assert [one.correlation for one in await desk.events()] == [fate(one).submission for one in outcomes]


async def test_a_batch_with_repeats_takes_the_first() -> None:
    desk = Desk()
    sent = [event(), event(id="2"), event(), event(enquiry(ageYears=9)), event(source="urn:not:yours")]
    outcomes = await desk.submissions.submit_many([(SCHOOL, one) for one in sent])
    assert outcomes[0] == outcomes[2]
    assert isinstance(outcomes[3], Contested)
    assert isinstance(outcomes[4], Unattributable)
    assert len(await desk.events()) == 3


async def test_when_the_ledger_is_away_nothing_is_taken_and_sending_again_helps() -> None:
    desk = Desk()
    append = desk.ledger.append

    async def away(*_: object) -> list[object]:
        raise ConnectionError

    desk.ledger.append = away  # type: ignore[method-assign, assignment]
    with pytest.raises(ConnectionError):
        await desk.submissions.submit_many([(SCHOOL, event()), (SCHOOL, event(id="2"))])
    desk.ledger.append = append  # type: ignore[method-assign]
    assert fate(await desk.submit(event())).received_at == NOW
