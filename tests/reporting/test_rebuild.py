"""A rebuild gives what the live reader made, row for row; it can be interrupted; the reader follows the switch."""

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventlog.engine import make_engine
from eventlog.errors import PositionMoved
from eventlog.ledger import Append, LedgerId, NewEvent
from schemas.submission import SubmissionRefused
from services.reporting.copies import under_way
from services.reporting.facts import FACTS
from services.reporting.generation_build import RebuildUnderWay, alone
from services.reporting.generations import StaleFacts, find_generation
from services.reporting.kept_generations import numbers_in_use, schema_of
from services.reporting.rebuild import RebuildReport, rebuild, rules_have_changed
from tests.parts.postgres import as_owner
from tests.reporting.histories import histories
from tests.reporting.made import GEMEENTE, PROGRAMMES, CaseStory, Casework, pseudonym, quietly
from tests.reporting.rebuilds import stories

DAY = date(2023, 3, 1)
STORIES = [
    CaseStory("one").opened(DAY).contact(DAY, 30).closed(DAY),
    CaseStory("two").opened(DAY).referred(DAY),
]


async def rebuilt(casework: Casework) -> RebuildReport:
    return await rebuild(casework.engine, PROGRAMMES, quietly)


@pytest.mark.parametrize("day", [date.min, date(1999, 12, 31), date.max])
async def test_what_was_refused_for_an_impossible_day_is_no_obstacle(casework: Casework, day: date) -> None:
    """It is in the ledger all the same: what was stated, and that it was refused."""
    refused = NewEvent(SubmissionRefused.type, b"{}", day, "p", "c", "c", "")
    await casework.writes(STORIES)
    async with casework.ledger.begin() as tx:
        await casework.ledger.append(tx, GEMEENTE, [Append("submission", 0, (refused,))])
    await casework.read_by_reporting()
    report = await rebuilt(casework)
    assert (report.events, report.differences) == (6, ())


async def test_a_rebuild_connects_as_its_address_says(casework: Casework, database_url: str) -> None:
    await casework.writes(STORIES)
    await casework.read_by_reporting()
    url = make_url(database_url).update_query_dict({"ssl": "prefer"})
    engine = make_engine(url.render_as_string(hide_password=False), "reporting")
    report = await rebuild(engine, PROGRAMMES, quietly)
    await engine.dispose()
    assert report.events == 5


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(history=histories, batch=st.sampled_from([1, 3, 1000]))
async def test_live_and_rebuilt_facts_are_equal_row_for_row(
    casework: Casework, history: list[CaseStory], batch: int
) -> None:
    """Examples add to one ledger: whatever was written before, the two must agree."""
    await casework.restart_reporting()
    await casework.writes(history)
    await casework.read_by_reporting(batch)
    report = await rebuilt(casework)
    assert report.differences == ()
    assert report.events == sum(report.positions.values())


async def test_a_row_that_differs_is_told_in_a_sentence_and_the_ledger_wins(casework: Casework) -> None:
    await casework.writes(STORIES)
    await casework.read_by_reporting()
    async with casework.engine.begin() as tx:
        await tx.execute(text("UPDATE facts_1.segments SET minutes = 31 WHERE minutes = 30"))
    report = await rebuilt(casework)
    assert len(report.differences) == 1
    assert report.differences[0].startswith(f"segments {GEMEENTE}/{STORIES[0].case}/1: minutes was 31, is 30")
    assert (await rebuilt(casework)).differences == ()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ("ALTER COLUMN referred_to TYPE text USING ''", ["referred_to was of type text, is of type _text"]),
        ("DROP COLUMN contacts", ["only generation 2 has contacts"]),
        ("ADD COLUMN gone text", ["only generation 1 has gone"]),
        (
            "ALTER COLUMN segment TYPE text",
            [
                "segment was of type text, is of type int4",
                "its rows have other keys, by which they cannot be held against each other",
            ],
        ),
    ],
)
async def test_columns_that_were_others_are_told(
    casework: Casework, database_url: str, changed: str, told: list[str]
) -> None:
    await casework.writes(STORIES)
    await casework.read_by_reporting()
    await as_owner(database_url, f"ALTER TABLE facts_1.segments {changed}")
    assert (await rebuilt(casework)).differences == tuple(f"segments: {one}" for one in told)


async def test_a_row_that_only_one_generation_has_is_told(casework: Casework) -> None:
    await casework.writes(STORIES)
    await casework.read_by_reporting()
    async with casework.engine.begin() as tx:
        await tx.execute(text("UPDATE facts_1.consulent_referrals SET referral = '0'"))
    only_live, only_built = sorted((await rebuilt(casework)).differences)
    told = f"consulent_referrals {GEMEENTE}/{STORIES[1].case}"
    assert only_live.startswith(f"{told}/0: generation 1 has {{")
    assert only_live.endswith("generation 2 has no such row")
    assert only_built.startswith(f"{told}/{pseudonym('r1')}: generation 1 has no such row, generation 2 has {{")


async def test_a_case_that_was_held_is_counted_again_and_is_no_difference(
    casework: Casework, database_url: str
) -> None:
    """Its rows and its trail lacked what the live facts held: that is said, and hides no other difference."""
    first, second, third = stories(3)
    await casework.writes([first, second, third])
    await casework.restart_reporting()
    await as_owner(database_url, f"ALTER TABLE facts_1.segments ADD CHECK (case_id <> '{first.case}' OR minutes = 0)")
    await casework.read_by_reporting()
    async with casework.engine.begin() as tx:
        await tx.execute(text("UPDATE facts_1.segments SET minutes = 11 WHERE case_id = :case"), {"case": third.case})
        await tx.execute(text("DELETE FROM reporting.case_events WHERE case_id = :case"), {"case": second.case})
    report = await rebuilt(casework)
    assert (report.held_apart, report.counted_again, report.held_cases) == (1, 1, 0)
    trail, row = sorted(report.differences)
    assert trail == f"casework/{GEMEENTE}: 5 were missing from the audit trail, first 6"
    assert row.startswith(f"segments {GEMEENTE}/{third.case}/1: minutes was 11, is 10")
    again = await rebuilt(casework)
    assert (again.differences, again.held_apart, again.counted_again) == ((), 0, 0)


async def test_a_generation_that_was_rebuilt_is_finished_and_has_the_indexes_of_the_first(casework: Casework) -> None:
    await casework.writes(STORIES)
    await casework.read_by_reporting()
    await rebuilt(casework)
    async with casework.engine.connect() as connection:
        first, second = [await _indexes(connection, number) for number in (1, 2)]
        for table in FACTS.sorted_tables:
            assert second[table.name] == first[table.name]
        assert await under_way(connection) == []


async def _indexes(connection: AsyncConnection, number: int) -> dict[str, int]:
    """How many each table of the generation has."""
    query = text("SELECT tablename, count(*) FROM pg_indexes WHERE schemaname = :schema GROUP BY 1")
    return {table: count for table, count in await connection.execute(query, {"schema": schema_of(number)})}


async def test_a_generation_with_a_number_of_two_digits_is_found(casework: Casework) -> None:
    async with casework.engine.begin() as tx:
        await tx.execute(text("SELECT reporting.make_generation(10)"))
        assert await numbers_in_use(tx) == [10]


async def test_the_previous_generation_is_kept_and_the_one_before_it_dropped(casework: Casework) -> None:
    await casework.writes(STORIES)
    await casework.read_by_reporting()
    await rebuilt(casework)
    await rebuilt(casework)
    last = await rebuilt(casework)
    async with casework.engine.connect() as connection:
        live = await find_generation(connection)
        assert await numbers_in_use(connection) == [3, 4]
        readers = await connection.execute(text("SELECT reader FROM reporting.readers ORDER BY 1"))
        assert list(readers.scalars()) == ["facts_3", "facts_4"]
    assert live is not None
    assert (live.live, live.previous, last.generation) == (4, 3, 4)


async def test_what_an_interrupted_rebuild_left_is_built_again(casework: Casework) -> None:
    await casework.writes(STORIES)
    await casework.read_by_reporting()

    def stop(ledger: LedgerId, done: int, to_do: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await rebuild(casework.engine, PROGRAMMES, stop)
    report = await rebuilt(casework)
    assert (report.generation, report.differences, report.events) == (2, (), 5)


async def test_two_rebuilds_at_once_are_refused(casework: Casework) -> None:
    await casework.writes(STORIES)
    await casework.read_by_reporting()
    async with alone(casework.engine):
        with pytest.raises(RebuildUnderWay):
            await rebuilt(casework)


async def test_a_reader_follows_a_switch_by_another_process(casework: Casework, engine: AsyncEngine) -> None:
    await casework.writes(STORIES[:1])
    await casework.read_by_reporting()
    await rebuilt(casework)
    await casework.writes(STORIES[1:])
    with pytest.raises(PositionMoved):
        await casework.read_by_reporting()
    assert await casework.read_by_reporting() == 5
    async with engine.connect() as connection:
        positions = await connection.execute(text("SELECT reader, position FROM reporting.readers ORDER BY reader"))
        assert [tuple(row) for row in positions] == [("facts_1", 3), ("facts_2", 5)]


async def test_facts_of_other_rules_are_not_folded_on_but_rebuilt(casework: Casework, engine: AsyncEngine) -> None:
    await casework.writes(STORIES[:1])
    await casework.read_by_reporting()
    async with engine.begin() as tx:
        await tx.execute(text('UPDATE reporting.generation SET fingerprint = \'{"programmes": {}, "rules": "older"}\''))
    await casework.writes(STORIES[1:])
    assert await rules_have_changed(engine, PROGRAMMES)
    with pytest.raises(StaleFacts, match="spoorboek replay"):
        await casework.read_by_reporting()
    report = await rebuilt(casework)
    assert (report.rules_changed, report.positions) == (True, {f"casework/{GEMEENTE}": 3})
    assert not await rules_have_changed(engine, PROGRAMMES)
