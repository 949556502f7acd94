"""Poison in our own ledgers, over both buses: its case waits, all others go on, and what was held is taken in order."""

from datetime import date
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from eventlog.ledger import SERVICES, Append, NewEvent, Recorded
from schemas.programme import Programmes
from schemas.submission import SubmissionApplied
from services.casework import reactions
from services.casework.submissions import Submission, read_submission
from services.holding import HeldCase, held_cases, list_quarantine, redrive_quarantine, show_quarantine
from tests.journey.world import World, ended, enquiry, event

GEMEENTE = "GM0984"


async def held(world: World, service: str) -> list[HeldCase]:
    return await held_cases(world.process.parts[service].engine, service)


async def redrive(world: World) -> tuple[int, str]:
    """As the command does it, in a process of its own, while the services run; how many cases are left."""
    console = Console(file=StringIO(), width=500)
    left = await redrive_quarantine(world.process.settings, SERVICES, None, console)
    await world.settle()
    assert isinstance(console.file, StringIO)
    return left, console.file.getvalue()


async def history(world: World, service: str) -> list[Recorded]:
    ledger = world.process.parts[service].ledger
    async with ledger.begin() as tx:
        return await ledger.read(tx, GEMEENTE, 0)


async def statuses(world: World, fates: list[dict[str, Any]]) -> list[str]:
    return [(await world.fate(fate["submission"]))["status"] for fate in fates]


async def test_later_submissions_of_a_case_wait_so_that_none_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the wait the ending would be refused: casework would not know the case."""
    unreadable: set[int] = {1}

    def reads(accepted: Recorded, programmes: Programmes) -> Submission:
        if accepted.position in unreadable:
            raise KeyError("area")
        return read_submission(accepted, programmes)

    monkeypatch.setattr(reactions, "read_submission", reads)
    sent = [enquiry("a", "2023-02-01"), enquiry("b", "2023-02-01"), ended("a", "2023-03-01"), ended("b", "2023-03-01")]
    fates = await world.send(*sent)
    assert [fate["status"] for fate in fates] == ["accepted", "applied", "accepted", "applied"]
    (case,) = await held(world, "casework")
    assert (case.reader, case.ledger, case.position, case.waiting) == ("casework", "intake/GM0984", 1, 1)
    assert case.reason.startswith("KeyError in services.casework.reactions, line ")

    assert (await redrive(world))[0] == 1
    assert await statuses(world, fates) == ["accepted", "applied", "accepted", "applied"]
    unreadable.clear()
    left, said = await redrive(world)
    assert (left, said) == (0, f"casework casework intake/GM0984 case {case.case_id}: 2 taken\n")
    assert await statuses(world, fates) == ["applied"] * 4
    assert (await world.value("new"), await world.value("closed")) == (2, 2)
    assert await held(world, "casework") == []


async def test_an_event_that_no_one_can_decode_holds_up_its_case_alone(world: World) -> None:
    """Appended to casework's ledger as a newer version might have done, between two facts of a case."""
    await world.send(enquiry("a", "2023-02-01"))
    (opened, _) = await history(world, "casework")
    strange = NewEvent(
        "nl.overheid.jeugdzaken.case.paused.v1",
        b"\xff not JSON",
        date(2023, 2, 2),
        opened.partner,
        "c",
        "",
        opened.case,
    )
    ledger = world.process.parts["casework"].ledger
    async with ledger.begin() as tx:
        await ledger.append(tx, GEMEENTE, [Append(opened.stream, 1, (strange,))])
    fates = await world.send(enquiry("b", "2023-02-01"), ended("a", "2023-03-01"), ended("b", "2023-03-01"))
    assert [fate["status"] for fate in fates] == ["applied", "accepted", "applied"]
    assert (await world.value("new"), await world.value("closed")) == (2, 1)
    (by_reporting,) = await held(world, "reporting")
    assert (by_reporting.reader, by_reporting.ledger, by_reporting.position) == ("facts_1", "casework/GM0984", 3)
    (by_casework,) = await held(world, "casework")
    assert (by_casework.ledger, by_casework.case_id) == ("intake/GM0984", opened.case)
    assert by_casework.reason.startswith("casework/GM0984/3: not a fact casework can read")
    left, said = await redrive(world)
    assert left == 2
    assert "stopped at 3" in said


async def test_an_outcome_that_intake_cannot_read_holds_up_no_other_answer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reads(accepted: Recorded, programmes: Programmes) -> Submission:
        if accepted.position == 1:
            raise KeyError("area")
        return read_submission(accepted, programmes)

    monkeypatch.setattr(reactions, "read_submission", reads)
    waiting, _ = await world.send(enquiry("a", "2023-02-01"), enquiry("b", "2023-02-01"))
    strange = NewEvent(SubmissionApplied.type, b"[1]", date(2023, 2, 2), "p", waiting["submission"], "")
    ledger = world.process.parts["casework"].ledger
    async with ledger.begin() as tx:
        await ledger.append(tx, GEMEENTE, [Append(f"submission-{waiting['submission']}", 0, (strange,))])
    (fate,) = await world.send(ended("b", "2023-03-01"))
    assert fate["status"] == "applied"
    assert (await world.fate(waiting["submission"]))["status"] == "accepted"
    (case,) = await held(world, "intake")
    assert (case.reader, case.ledger) == ("outcomes", "casework/GM0984")
    assert case.reason.startswith(f"casework/GM0984/{case.position}: not an outcome that intake can read; ")


async def test_the_operator_is_told_what_is_held_and_why(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(file=StringIO(), width=500)
    await list_quarantine(world.process.settings, SERVICES, console)
    await show_quarantine(world.process.settings, "intake/GM0984", 1, console)

    def reads(*_: object) -> Submission:
        raise KeyError("area")

    monkeypatch.setattr(reactions, "read_submission", reads)
    await world.send(enquiry("a", "2023-02-01"), event("first-contact.made.v1", "a", "2023-02-03"))
    await list_quarantine(world.process.settings, SERVICES, console)
    await show_quarantine(world.process.settings, "intake/GM0984", 2, console)
    assert isinstance(console.file, StringIO)
    nothing, not_held, listed, reader, event_line, status, reason, case = console.file.getvalue().splitlines()
    assert nothing == "Nothing is in quarantine."
    assert not_held == "intake/GM0984/1 is not in quarantine."
    assert listed.startswith("casework casework intake/GM0984/1 case ")
    assert ", 1 waiting since 20" in listed
    assert reader == "reader    casework of casework"
    assert event_line == "event     intake/GM0984/2, nl.overheid.jeugdzaken.submission.accepted.v1"
    assert status.startswith("status    waiting since 20")
    assert reason == "reason    an earlier event of the case is quarantined"
    assert case.endswith("; held of it: 1, 2")
