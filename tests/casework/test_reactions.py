"""The reader of the gate: what it records for each accepted submission, once and together."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from eventlog.errors import UnreadableRecord, VersionConflict
from eventlog.ledger import Append, LedgerId, NewEvent, Recorded
from eventlog.memory import MemoryLedger
from schemas.programme import PUBLISHED, Programmes
from schemas.registry import decode
from schemas.submission import SubmissionAccepted, SubmissionApplied, SubmissionRefused, SubmissionRejected
from services.casework.case import AnyStatement
from services.casework.reactions import Casework
from tests.casework.stories import assign, closed, end, enquire, log_contact, opened, ref, resume

VENRAY = "GM0984"
CASE = f"case-{ref('case')}"


class Desk:
    """Casework between the gate's ledger and its own, both in memory."""

    def __init__(self) -> None:
        self.intake = MemoryLedger("intake")
        self.ledger = MemoryLedger("casework")
        self.reader = Casework(self.ledger, Programmes.load(PUBLISHED))

    async def accept(self, *statements: AnyStatement, **changes: Any) -> list[Recorded]:
        """The gate's events for `statements`; `changes` are made to what it wrote down."""
        written = [
            {"statement_type": statement.type, "statement": statement.model_dump(mode="json", exclude_none=True)}
            | changes
            for statement in statements
        ]
        return [await self._write(SubmissionAccepted, **fields) for fields in written]

    async def reject(self) -> Recorded:
        return await self._write(SubmissionRejected, errors=[{"code": "data-missing", "sentence": "Send data."}])

    async def _write(self, model: type[SubmissionAccepted | SubmissionRejected], **fields: Any) -> Recorded:
        async with self.intake.begin() as tx:
            number = (await self.intake.sizes(tx)).get(VENRAY, 0) + 1
            about = {"submission": ref(str(number)), "source": "urn:test", "id": str(number), "content": "00"}
            event = model.model_validate({**about, **fields})
            new = NewEvent(
                event.type, event.encode(), date(2024, 1, 1), "synthetic-school", f"correlation-{number}", ""
            )
            outcomes = await self.intake.append(tx, VENRAY, [Append(f"submission-{event.submission}", 0, (new,))])
        assert isinstance(outcomes[0], list)
        return outcomes[0][0]

    async def react(self, events: Sequence[Recorded]) -> None:
        async with self.ledger.begin() as tx:
            await self.reader.handle(tx, LedgerId("intake", VENRAY), events)

    async def history(self) -> list[Recorded]:
        async with self.ledger.begin() as tx:
            return await self.ledger.read(tx, VENRAY, 0)

    async def told(self) -> list[str]:
        return [event.type.removeprefix("nl.overheid.jeugdzaken.") for event in await self.history()]


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_an_accepted_enquiry_becomes_a_fact_and_an_answer(desk: Desk) -> None:
    await desk.react(await desk.accept(enquire("2023-01-05")))
    fact, answer = await desk.history()
    assert (fact.stream, fact.version) == (CASE, 1)
    assert decode(fact.type, fact.data) == opened("2023-01-05").fact
    assert (answer.stream, answer.version) == (f"submission-{ref('1')}", 1)
    assert SubmissionApplied.decode(answer.data) == SubmissionApplied(submission=ref("1"), case=ref("case"), facts=1)


async def test_the_envelope_says_who_stated_it_what_caused_it_and_when_it_happened(desk: Desk) -> None:
    await desk.react(await desk.accept(enquire("2023-01-05")))
    for event in await desk.history():
        assert (event.partner, event.correlation) == ("synthetic-school", "correlation-1")
        assert event.causation == "intake/GM0984/1"
        assert event.occurred_on == date(2023, 1, 5)


async def test_a_refusal_is_an_answer_with_its_rule_and_no_fact(desk: Desk) -> None:
    await desk.react(await desk.accept(assign("2023-01-06")))
    (answer,) = await desk.history()
    refused = SubmissionRefused.decode(answer.data)
    assert (refused.submission, refused.case, refused.rule) == (ref("1"), ref("case"), "case-unknown")


async def test_what_is_so_already_is_applied_with_no_fact(desk: Desk) -> None:
    await desk.react(await desk.accept(enquire("2023-01-05"), enquire("2023-01-05")))
    answers = await desk.history()
    assert SubmissionApplied.decode(answers[-1].data).facts == 0
    assert await desk.told() == ["case.opened.v1", "submission.applied.v1", "submission.applied.v1"]


LIFE = (
    enquire("2023-01-05"),
    assign("2023-01-06"),
    enquire("2023-01-05", case=ref("other case")),
    assign("2023-01-01"),
    end("2023-03-01"),
    log_contact("2023-03-02"),
    resume("2023-04-01"),
)


async def test_one_batch_may_touch_a_case_many_times(desk: Desk) -> None:
    await desk.react(await desk.accept(*LIFE))
    assert await desk.told() == [
        *("case.opened.v1", "submission.applied.v1"),
        *("case.assigned.v1", "submission.applied.v1"),
        *("case.opened.v1", "submission.applied.v1"),
        "submission.refused.v1",
        *("case.closed.v1", "submission.applied.v1"),
        "submission.refused.v1",
        *("case.reopened.v1", "submission.applied.v1"),
    ]


async def test_batches_of_any_size_record_the_same(desk: Desk) -> None:
    await desk.react(await desk.accept(*LIFE))
    one_by_one = Desk()
    for event in await one_by_one.accept(*LIFE):
        await one_by_one.react([event])
    assert [(event.stream, event.version, event.data) for event in await one_by_one.history()] == [
        (event.stream, event.version, event.data) for event in await desk.history()
    ]


async def test_a_submission_has_one_outcome_however_often_it_is_delivered(desk: Desk) -> None:
    events = await desk.accept(*LIFE)
    await desk.react(events)
    before = await desk.history()
    await desk.react(events)
    await desk.react([events[1], events[1]])
    assert await desk.history() == before


async def test_what_the_gate_did_not_accept_is_passed_over(desk: Desk) -> None:
    await desk.react([await desk.reject()])
    assert await desk.history() == []


async def test_a_sealed_text_may_be_longer_than_its_field(desk: Desk) -> None:
    enquiry = enquire("2023-01-05").model_dump(mode="json", exclude_none=True)
    await desk.react(
        await desk.accept(enquire("2023-01-05"), statement={**enquiry, "parentName": "sealed:v1:" + "x" * 4000})
    )
    assert await desk.told() == ["case.opened.v1", "submission.applied.v1"]


UNREADABLE: list[tuple[dict[str, Any], str]] = [
    ({"statement_type": "nl.overheid.jeugdzaken.enquiry.received.v9"}, "enquiry.received.v9"),
    ({"statement_type": "Synthetische Naam"}, "its type is not published"),
    ({"statement": {"programme": "gezinscoaches-venray"}}, "Field required"),
    ({"statement": enquire("2023-01-05").model_dump(mode="json") | {"Naam": 1}}, "a field: Extra inputs"),
    ({"statement": enquire("2023-01-05", programme="unknown").model_dump(mode="json", exclude_none=True)}, "unknown"),
    (
        {"statement": enquire("2023-01-05", family="Naam").model_dump(mode="json", exclude_none=True)},
        "no pseudonym in family",
    ),
]


@pytest.mark.parametrize(("changes", "saying"), UNREADABLE)
async def test_an_event_that_cannot_be_read_is_named_and_nothing_of_its_batch_is_kept(
    desk: Desk, changes: dict[str, Any], saying: str
) -> None:
    good = await desk.accept(enquire("2023-01-05"))
    bad = await desk.accept(enquire("2023-01-05"), **changes)
    with pytest.raises(UnreadableRecord, match=rf"^intake/GM0984/2: .*{saying}") as raised:
        await desk.react([*good, *bad])
    assert "Naam" not in str(raised.value)
    assert await desk.history() == []


async def test_a_broken_history_is_named_by_its_ledger_and_position(desk: Desk) -> None:
    fact = closed("2023-03-01").fact
    new = NewEvent(fact.type, fact.encode(), date(2023, 3, 1), "synthetic-school", "", "")
    async with desk.ledger.begin() as tx:
        await desk.ledger.append(tx, VENRAY, [Append(CASE, 0, (new,))])
    with pytest.raises(UnreadableRecord, match=r"^casework/GM0984/1: .*before the case was opened"):
        await desk.react(await desk.accept(assign("2023-01-06")))


async def test_another_instance_that_was_first_rolls_the_batch_back(desk: Desk) -> None:
    await desk.react(await desk.accept(enquire("2023-01-05")))
    before = await desk.history()
    events = await desk.accept(enquire("2023-01-05", case=ref("other case")), enquire("2023-01-05"))
    desk.reader = Casework(Overtaken(desk.ledger), Programmes.load(PUBLISHED))
    with pytest.raises(VersionConflict, match="expected version 0, found 1"):
        await desk.react(events)
    assert await desk.history() == before


class Overtaken(MemoryLedger):
    """Shows every stream as it was before the other instance wrote, which it did between reading and writing."""

    def __init__(self, ledger: MemoryLedger) -> None:
        super().__init__(ledger.service)
        self._events, self._frontiers = ledger._events, ledger._frontiers

    async def read_streams(self, tx: Any, gemeente: str, streams: Sequence[str]) -> dict[str, list[Recorded]]:
        return {stream: [] for stream in streams}
