"""The gate on PostgreSQL: what memory promises holds there too, and parked records are kept sealed."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from eventlog.engine import make_engine
from eventlog.postgres import PostgresLedger
from eventlog.subject_keys import PostgresKeys
from eventlog.vault import Vault
from eventlog.wire import Incoming
from eventlog.writer import Writer
from services.intake.answers import Outcomes
from services.intake.parked import PARKED, Parked, ParkingLot
from services.intake.recording import Contested
from services.intake.submissions import Submissions
from tests.intake.desk import CASEWORK, GEMEENTE, NOW, PROGRAMMES, SCHOOL, enquiry, event, fate
from tests.intake.test_answers import outcome_of


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(database_url, "intake")
    yield engine
    await engine.dispose()


@pytest.fixture
def vault(engine: AsyncEngine) -> Vault:
    return Vault(b"k" * 32, PostgresKeys(engine))


@pytest.fixture
def ledger(engine: AsyncEngine) -> PostgresLedger:
    return PostgresLedger(engine, "intake", lambda: NOW)


@pytest.fixture
def submissions(ledger: PostgresLedger, vault: Vault) -> Submissions:
    return Submissions(ledger, Writer(ledger, lambda gemeente: None), vault, PROGRAMMES, lambda: NOW)


async def test_two_processes_that_get_the_same_make_one_of_it(
    ledger: PostgresLedger, vault: Vault, submissions: Submissions
) -> None:
    other = Submissions(ledger, Writer(ledger, lambda gemeente: None), vault, PROGRAMMES, lambda: NOW)
    sends = [one.submit(SCHOOL, event(id=str(number))) for number in range(5) for one in (submissions, other) * 2]
    outcomes = await asyncio.gather(*sends)
    assert {fate(outcome).status for outcome in outcomes} == {"accepted"}
    async with ledger.begin() as tx:
        assert await ledger.sizes(tx) == {GEMEENTE: 5}


async def test_a_batch_of_new_families_keeps_its_order(ledger: PostgresLedger, submissions: Submissions) -> None:
    sent = [(SCHOOL, event(enquiry(family=f"f-{number}"), id=str(number))) for number in range(300)]
    outcomes = await submissions.submit_many(sent)
    assert await submissions.submit_many(sent) == outcomes
    async with ledger.begin() as tx:
        kept = await ledger.read(tx, GEMEENTE, 0)
    assert [one.correlation for one in kept] == [fate(outcome).submission for outcome in outcomes]


async def test_an_outcome_and_a_contest_meet_in_one_stream(ledger: PostgresLedger, submissions: Submissions) -> None:
    submission = fate(await submissions.submit(SCHOOL, event())).submission

    async def told() -> None:
        async with ledger.begin() as tx:
            await Outcomes(ledger).handle(tx, CASEWORK, [outcome_of(submission)])

    contest = submissions.submit(SCHOOL, event(enquiry(ageYears=9)))
    outcome, _ = await asyncio.gather(contest, told())
    assert isinstance(outcome, Contested)
    found = await submissions.find(GEMEENTE, submission)
    assert found is not None
    assert (found.status, found.version, len(found.contested)) == ("applied", 3, 1)


async def test_a_parked_record_is_kept_once_sealed_and_can_be_opened(
    database_url: str, engine: AsyncEngine, vault: Vault
) -> None:
    lot = ParkingLot(engine, vault)
    record = Incoming("submissions.school", 3, 2**40, None, [("ce_id", b"\xff"), ("ce_id", None)], b"Synthetische Naam")
    empty = Incoming("submissions.school", 3, 1, None, [], None)
    anew = replace(record, value=b"of a topic made anew")
    for _ in range(2):
        await lot.park([Parked(record, GEMEENTE, "not-signed"), Parked(empty, "none", "partner-unknown")])
        await lot.park([Parked(anew, GEMEENTE, "not-signed")])
    async with engine.connect() as connection:
        rows = (await connection.execute(select(PARKED).order_by(PARKED.c.offset, PARKED.c.parked_at))).mappings().all()
    assert [row["reason"] for row in rows] == ["partner-unknown", "not-signed", "not-signed"]
    assert "Naam" not in str(rows)
    assert await lot.open(dict(rows[1])) == ([("ce_id", b"\xff"), ("ce_id", b"")], b"Synthetische Naam")
    assert await lot.open(dict(rows[0])) == ([], None)
    assert (await lot.open(dict(rows[2])))[1] == b"of a topic made anew"
