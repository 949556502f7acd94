"""What partners are told: casework's outcome joins the submission's stream once, and each answer has a stable id."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
import structlog

from eventlog.errors import UnreadableRecord
from eventlog.ledger import Recorded
from eventlog.wire import Outgoing
from schemas.submission import SubmissionApplied, SubmissionRefused
from services.intake.answers import Answers, Outcomes
from services.intake.fate import Fate
from services.intake.recording import Contested
from tests.intake.desk import CASEWORK, GEMEENTE, NOW, OTHER, SCHOOL, TODAY, Desk, enquiry, event, fate

PSEUDONYM = "a" * 32


def outcome_of(submission: str, position: int = 1, facts: int | None = 1) -> Recorded:
    """What casework records: applied, or refused where `facts` is None."""
    if facts is None:
        said = SubmissionRefused(submission=submission, case=PSEUDONYM, rule="case-closed", sentence="It is closed.")
    else:
        said = SubmissionApplied(submission=submission, case=PSEUDONYM, facts=facts)  # type: ignore[assignment]
    return Recorded(
        ledger=CASEWORK,
        position=position,
        stream=f"submission-{submission}",
        version=1,
        type=said.type,
        occurred_on=TODAY,
        recorded_at=NOW,
        partner="school",
        correlation=submission,
        causation=f"intake/{GEMEENTE}/1",
        data=said.encode(),
        case=said.case,
    )


async def told(desk: Desk, *outcomes: Recorded) -> None:
    async with desk.ledger.begin() as tx:
        await Outcomes(desk.ledger).handle(tx, CASEWORK, outcomes)


async def sent(desk: Desk, **attributes: str) -> Fate:
    return fate(await desk.submit(event(**attributes)))


async def found(desk: Desk, submission: str) -> Fate:
    fate_now = await desk.submissions.find(GEMEENTE, submission)
    assert fate_now is not None
    return fate_now


async def test_an_outcome_joins_the_submissions_own_stream() -> None:
    desk = Desk()
    first, second = await sent(desk), await sent(desk, id="2")
    await told(desk, outcome_of(first.submission, 1, facts=2), outcome_of(second.submission, 2, facts=None))
    applied, refused = await found(desk, first.submission), await found(desk, second.submission)
    assert (applied.status, applied.facts) == ("applied", 2)
    assert (refused.status, refused.rule, refused.sentence) == ("refused", "case-closed", "It is closed.")
    copied = (await desk.events())[2]
    assert (copied.partner, copied.correlation) == ("school", first.submission)
    assert copied.causation == f"casework/{GEMEENTE}/1"
    assert copied.occurred_on == TODAY


async def test_an_outcome_that_comes_again_is_not_copied_again() -> None:
    desk = Desk()
    submission = (await sent(desk)).submission
    await told(desk, outcome_of(submission), outcome_of(submission, 2))
    await told(desk, outcome_of(submission))
    assert len(await desk.events()) == 2


async def test_the_same_again_is_answered_with_the_outcome_it_has_by_now() -> None:
    desk = Desk()
    submission = (await sent(desk)).submission
    await told(desk, outcome_of(submission))
    assert (await sent(desk)).status == "applied"
    assert isinstance(await desk.submit(event(enquiry(ageYears=9))), Contested)


async def test_an_outcome_survives_a_contest_that_came_in_between() -> None:
    desk = Desk()
    submission = (await sent(desk)).submission
    stale = await desk.ledger.read_streams(None, GEMEENTE, [f"submission-{submission}"])  # type: ignore[arg-type]
    await desk.submit(event(enquiry(ageYears=9)))
    read, calls = desk.ledger.read_streams, []

    async def behind(*asked: object) -> dict[str, list[Recorded]]:
        calls.append(asked)
        return stale if len(calls) == 1 else await read(*asked)  # type: ignore[arg-type]

    desk.ledger.read_streams = behind  # type: ignore[method-assign, assignment]
    await told(desk, outcome_of(submission))
    assert (await found(desk, submission)).status == "applied"
    assert len(await desk.events()) == 3


async def test_an_outcome_of_an_unknown_submission_begins_no_stream() -> None:
    desk = Desk()
    await told(desk, outcome_of("0" * 32))
    assert not await desk.events()


async def test_each_answer_goes_to_its_partner_with_a_stable_id_and_nothing_sealed() -> None:
    desk = Desk()
    submission = (await sent(desk)).submission
    await desk.submit(event(b"wrong", id="2"))
    await told(desk, outcome_of(submission))
    published: list[Outgoing] = []

    async def publish(records: Sequence[Outgoing]) -> None:
        published.extend(records)

    events = await desk.events()
    for _ in range(2):  # A crash between publishing and moving on publishes again.
        await Answers(publish, {event.partner for event in events}).handle(None, events[0].ledger, events)  # type: ignore[arg-type]
    again = published[3:]
    assert published[:3] == again
    headers = [dict(record.headers) for record in again]
    assert {record.topic for record in again} == {f"answers.{SCHOOL.id}"}
    assert {record.key for record in again} == {GEMEENTE.encode()}
    assert [header["ce_id"].decode() for header in headers][::2] == [f"{submission}/1", f"{submission}/2"]
    assert headers[0]["ce_subject"].decode() == submission
    accepted = json.loads(again[0].value)
    assert "content" not in accepted
    assert "statement" not in accepted
    assert b"sealed:v1" not in b"".join(record.value for record in again)
    assert json.loads(again[1].value)["errors"]


@pytest.mark.parametrize("data", [b"\xff nope", b"[1]", b'{"facts": 1}'])
async def test_an_outcome_that_cannot_be_read_is_not_copied(data: bytes) -> None:
    desk = Desk()
    submission = (await sent(desk)).submission
    with pytest.raises(UnreadableRecord, match=f"casework/{GEMEENTE}/1: not an outcome that intake can read; "):
        await told(desk, replace(outcome_of(submission), data=data))
    assert len(await desk.events()) == 1


@pytest.mark.parametrize("data", [b"\xff nope", b"[1]"])
async def test_an_answer_that_cannot_be_read_holds_up_no_other(data: bytes) -> None:
    """As one that an earlier version copied; the ledger keeps it."""
    desk = Desk()
    for number in "123":
        await desk.submit(event(id=number))
    first, second, third = await desk.events()
    published: list[Outgoing] = []

    async def publish(records: Sequence[Outgoing]) -> None:
        published.extend(records)

    with structlog.testing.capture_logs() as logs:
        answers = Answers(publish, {SCHOOL.id})
        await answers.handle(None, first.ledger, [first, replace(second, data=data), third])  # type: ignore[arg-type]
    assert [dict(record.headers)["ce_subject"].decode() for record in published] == [
        first.correlation,
        third.correlation,
    ]
    (line,) = logs
    assert (line["log_level"], line["partner"], line["position"]) == ("error", SCHOOL.id, second.position)


async def test_a_partner_that_left_is_told_nothing_and_the_others_are() -> None:
    """It has no topic any more, and may not hold up what stands beside its answers."""
    desk = Desk()
    await sent(desk)
    staying = fate(await desk.submit(event(source=OTHER.sources[0]), OTHER))
    published: list[Outgoing] = []

    async def publish(records: Sequence[Outgoing]) -> None:
        published.extend(records)

    events = await desk.events()
    await Answers(publish, {OTHER.id}).handle(None, events[0].ledger, events)  # type: ignore[arg-type]
    assert [(one.topic, dict(one.headers)["ce_id"].decode()) for one in published] == [
        (f"answers.{OTHER.id}", f"{staying.submission}/1")
    ]


async def test_events_that_are_no_outcome_are_passed_over() -> None:
    desk = Desk()
    submission = (await sent(desk)).submission
    await told(desk, replace(outcome_of(submission), type="nl.overheid.jeugdzaken.case.opened.v1"))
    assert len(await desk.events()) == 1


async def test_an_answer_that_the_bus_did_not_take_is_no_answer_that_was_given() -> None:
    """The step fails, so that it is told again."""

    async def refused(records: Sequence[Outgoing]) -> None:
        raise ConnectionError("the broker is away")

    with pytest.raises(ConnectionError):
        await Answers(refused, ["school"]).handle(None, CASEWORK, [outcome_of(PSEUDONYM)])  # type: ignore[arg-type]
