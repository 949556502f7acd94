"""The page of a submission: its fate in Dutch, without its content, labelled where no real family is behind it."""

import asyncio
from typing import get_args

import pytest
from structlog.testing import capture_logs

from schemas.statement import STATEMENTS
from schemas.submission import RefusalRule, RejectionCode, submission_id
from services.intake import dutch
from services.intake.pages import moment
from services.intake.partners import Partners
from tests.intake.desk import GEMEENTE, NOW, SOURCE, Desk, enquiry, event, fate, partner
from tests.intake.test_answers import outcome_of, told


async def page(desk: Desk, submission: str) -> str:
    async with desk.client(None) as client:
        answer = await client.get(f"/inzendingen/{desk.submissions.pages.of(GEMEENTE, submission)}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    return answer.text


async def test_the_page_tells_the_fate_until_it_is_final() -> None:
    desk = Desk()
    submission = fate(await desk.submit(event())).submission
    waiting = await page(desk, submission)
    assert "Aangenomen, wacht op verwerking" in waiting
    assert 'data-final="false"' in waiting
    assert "volgen.js" in waiting
    await told(desk, outcome_of(submission, facts=None))
    final = await page(desk, submission)
    assert "Geweigerd" in final
    assert dutch.REFUSAL["case-closed"] in final
    assert "volgen.js" not in final
    assert "5 mrt 2024, 14:03:09" in final
    assert "Basisschool De Vlieger" in final
    assert '<html lang="nl">' in final
    assert 'href="/programmas/gezinscoaches-venray/2023"' in final


async def test_the_page_shows_reasons_and_no_content() -> None:
    desk = Desk()
    outcome = fate(await desk.submit(event(enquiry(ageYears="8", area="<script>"))))
    shown = await page(desk, outcome.submission)
    assert dutch.REJECTION["field-invalid"] in shown
    for value in (enquiry()["case"], enquiry()["youthName"], "&lt;script"):
        assert value not in shown


async def test_synthetic_partners_are_labelled_and_real_ones_are_not() -> None:
    synthetic = partner(id="synthetic-school", synthetic=True)
    desk = Desk(Partners([synthetic]))
    assert "Synthetische gegevens" in await page(desk, fate(await desk.submit(event(), synthetic)).submission)
    real = Desk()
    assert "Synthetische gegevens" not in await page(real, fate(await real.submit(event())).submission)


async def test_who_knows_the_submission_only_does_not_see_its_page() -> None:
    desk = Desk()
    submission = fate(await desk.submit(event())).submission
    assert submission == submission_id(SOURCE, "event-1"), "anyone can compute it"
    desk.ledger.begin = None  # type: ignore[method-assign, assignment]  # What is made up never reaches the database.
    async with desk.client(None) as client:
        for made_up in (submission, f"{submission}-{'0' * 32}", desk.submissions.pages.of("GM0001", submission)):
            assert (await client.get(f"/inzendingen/{made_up}")).status_code == 404


async def test_an_unknown_submission_has_a_page_that_says_so() -> None:
    async with Desk().client(None) as client:
        for address in ("/inzendingen/" + "0" * 32, "/inzendingen/x"):
            answer = await client.get(address)
            assert answer.status_code == 404
            assert "niet gevonden" in answer.text
        assert (await client.get("/inzendingen/volgen.js")).headers["Content-Type"].startswith("text/javascript")


def test_every_code_and_rule_has_a_dutch_name() -> None:
    assert set(dutch.REJECTION) == set(get_args(RejectionCode))
    assert set(dutch.REFUSAL) == set(get_args(RefusalRule))
    assert set(dutch.STATEMENT) == {statement.type for statement in STATEMENTS}


def test_times_are_as_the_netherlands_reads_them() -> None:
    assert moment(NOW.replace(month=7)) == "5 juli 2024, 15:03:09"


async def test_a_database_that_answers_nothing_is_not_waited_for_and_the_address_is_in_no_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever has the address sees the page."""
    desk = Desk()
    address = desk.submissions.pages.of(GEMEENTE, fate(await desk.submit(event())).submission)

    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("services.intake.pages._LONGEST_SECONDS", 0.1)
    monkeypatch.setattr(desk.submissions, "find", never)
    async with desk.client(None) as client:
        with capture_logs() as logs:
            answer = await client.get(f"/inzendingen/{address}")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert [line["route"] for line in logs] == ["/inzendingen/{address}"]
    assert address not in str(logs)
