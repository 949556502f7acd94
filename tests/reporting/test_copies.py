"""Copies "as known on": what was recorded later does not count in them, and they stay what they are."""

from datetime import UTC, date, datetime

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from eventlog.engine import make_engine
from eventlog.postgres import PostgresLedger
from services.reporting import building
from services.reporting.copies import Until, build_copy, get_copy, list_copies, remove_copy
from services.reporting.decoding import NotDecoded
from services.reporting.figures import Figures
from services.reporting.generations import reached
from services.reporting.questions import QuestionError
from services.reporting.rebuild import rebuild
from services.reporting.spreading import Stopped
from tests.reporting.made import GEMEENTE, PROGRAMMES, CaseStory, Casework, as_appends, quietly
from tests.reporting.rebuilds import OTHER, stopping
from tests.reporting.test_figures import ask

OPENED = date(2023, 3, 1)
STORY = CaseStory("late").opened(OPENED).corrected(date(2023, 3, 2), opened_on=date(2022, 12, 30))


@pytest.fixture
async def corrected_late(casework: Casework, database_url: str) -> Casework:
    """Opened and recorded in March; that it was in December was recorded on 2 May, half past midnight in Amsterdam."""
    told = as_appends(STORY)
    writing = make_engine(database_url, "casework")
    moments = (datetime(2023, 3, 1, 9, tzinfo=UTC), datetime(2023, 5, 1, 22, 30, tzinfo=UTC))
    for number, at in enumerate(moments):
        ledger = PostgresLedger(writing, "casework", clock=lambda at=at: at)  # type: ignore[misc]
        async with ledger.begin() as tx:
            await ledger.append(tx, GEMEENTE, [type(told)(told.stream, number, told.events[number : number + 1])])
    await writing.dispose()
    await casework.read_by_reporting()
    return casework


async def opened_in_2023(engine: AsyncEngine, known_on: str | None) -> tuple[int, int]:
    """The figure, and the size of the ledger it counts."""
    async with Figures(engine).snapshot(known_on) as snapshot:
        figure = await snapshot.figure(ask("new"))
    return figure.numerator, figure.ledger.size


@pytest.mark.parametrize(
    ("until", "counted"),
    [
        (Until(day=date(2023, 2, 28)), (0, 0)),
        (Until(day=date(2023, 3, 1)), (1, 1)),
        (Until(day=date(2023, 5, 1)), (1, 1)),
        (Until(day=date(2023, 5, 2)), (0, 2)),
        (Until(position=1), (1, 1)),
        (Until(position=2), (0, 2)),
    ],
)
async def test_a_copy_counts_what_was_recorded_by_then(
    corrected_late: Casework, until: Until, counted: tuple[int, int]
) -> None:
    engine = corrected_late.engine
    await build_copy(engine, PROGRAMMES, until, quietly)
    assert await opened_in_2023(engine, until.name) == counted
    assert await opened_in_2023(engine, None) == (0, 2)


async def test_copies_are_listed_kept_through_a_rebuild_made_again_and_removed(corrected_late: Casework) -> None:
    engine = corrected_late.engine
    await build_copy(engine, PROGRAMMES, Until(position=1), quietly)
    await build_copy(engine, PROGRAMMES, Until(position=2), quietly)
    await rebuild(engine, PROGRAMMES, quietly)
    await corrected_late.writes([CaseStory("more").opened(OPENED).closed(OPENED)])
    await build_copy(engine, PROGRAMMES, Until(position=2), quietly)
    async with engine.connect() as connection:
        assert sorted(copy.known_on for copy in await list_copies(connection)) == ["1", "2"]
    assert await opened_in_2023(engine, "2") == (0, 2)
    await remove_copy(engine, "2")
    with pytest.raises(QuestionError, match="there is: 1"):
        await opened_in_2023(engine, "2")


async def test_a_copy_that_was_stopped_half_way_is_not_there_until_it_is_finished(corrected_late: Casework) -> None:
    engine, until = corrected_late.engine, Until(position=2)
    with pytest.raises(Stopped):
        await build_copy(engine, PROGRAMMES, until, stopping(0))
    with pytest.raises(QuestionError, match="there is: none"):
        await opened_in_2023(engine, until.name)
    await build_copy(engine, PROGRAMMES, until, quietly)
    assert await opened_in_2023(engine, until.name) == (0, 2)


async def test_a_position_that_no_ledger_has_yet_is_refused(corrected_late: Casework) -> None:
    """Its name would stand for other events as soon as there are more."""
    with pytest.raises(QuestionError, match="No ledger has 3 events yet; the longest has 2"):
        await build_copy(corrected_late.engine, PROGRAMMES, Until(position=3), quietly)
    async with corrected_late.engine.connect() as connection:
        assert not await list_copies(connection)


async def test_a_copy_further_than_the_live_facts_is_refused(corrected_late: Casework) -> None:
    """What it counted nobody could open: the audit trail is no further than they are."""
    await corrected_late.writes([CaseStory("more").opened(OPENED)])
    with pytest.raises(QuestionError, match="Reporting has read 2 of the 3 events of casework/GM0984 that this copy"):
        await build_copy(corrected_late.engine, PROGRAMMES, Until(position=3), quietly)
    await corrected_late.read_by_reporting()
    await build_copy(corrected_late.engine, PROGRAMMES, Until(position=3), quietly)


async def test_a_copy_that_is_asked_again_stays_what_it_is(corrected_late: Casework) -> None:
    """A ledger that was shorter than the position has grown past it."""
    engine = corrected_late.engine
    await corrected_late.writes([CaseStory("elsewhere").opened(OPENED)], OTHER)
    await corrected_late.read_by_reporting(gemeente=OTHER)
    await build_copy(engine, PROGRAMMES, Until(position=2), quietly)
    await corrected_late.writes([CaseStory("later").opened(OPENED)], OTHER)
    await corrected_late.read_by_reporting(gemeente=OTHER)
    await build_copy(engine, PROGRAMMES, Until(position=2), quietly)
    async with engine.connect() as connection:
        copy = await get_copy(connection, "2")
        assert await reached(connection, copy.number) == {f"casework/{GEMEENTE}": 2, f"casework/{OTHER}": 1}


async def test_a_copy_that_holds_a_case_says_so_and_is_made_anew(
    corrected_late: Casework, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(event_type: str, data: bytes) -> None:
        raise NotDecoded("mended since")

    engine, until = corrected_late.engine, Until(position=2)
    with monkeypatch.context() as patching:
        patching.setattr(building, "decode_fact", cannot)
        assert (await build_copy(engine, PROGRAMMES, until, quietly)).held_cases == 1
    assert await opened_in_2023(engine, "2") == (0, 2)
    assert (await build_copy(engine, PROGRAMMES, until, quietly)).held_cases == 0


async def test_who_asks_a_copy_while_it_is_removed_is_told(corrected_late: Casework) -> None:
    engine = corrected_late.engine
    await build_copy(engine, PROGRAMMES, Until(position=2), quietly)

    async def asking() -> None:
        async with Figures(engine).snapshot("2") as snapshot:
            await remove_copy(engine, "2")
            await snapshot.figure(ask("new"))

    with pytest.raises(QuestionError, match="was removed just now"):
        await asking()


async def test_the_api_and_the_pages_ask_a_copy_and_go_on_asking_it(
    corrected_late: Casework, client: httpx.AsyncClient
) -> None:
    await build_copy(corrected_late.engine, PROGRAMMES, Until(day=date(2023, 4, 30)), quietly)
    about = {"programme": "gezinscoaches-venray", "period": "2023", "asKnownOn": "2023-04-30"}
    figure = (await client.get("/v1/figures/new", params=about)).json()
    assert (figure["value"], figure["asKnownOn"], figure["ledger"]["size"]) == (1, "2023-04-30", 1)
    listed = (await client.get(figure["links"]["segments"])).json()
    events = (await client.get(listed["segments"][0]["links"]["events"])).json()
    assert [event["position"] for event in events["events"]] == [1]
    missing = await client.get("/v1/figures/new", params=about | {"asKnownOn": "2020-01-01"})
    assert (missing.status_code, missing.json()["errors"][0]["field"]) == (404, "asKnownOn")
    page = await client.get("/programmas/gezinscoaches-venray/2023/cijfers/new?bekend-op=2023-04-30")
    assert "Zoals bekend op 30 april 2023" in page.text
    assert f"/trajecten/{STORY.case}/1?bekend-op=2023-04-30" in page.text
    assert '<a href="?">Toon wat nu bekend is</a>' in page.text
    narrowed = "/programmas/gezinscoaches-venray/2023/cijfers/new?periode=2023-03&bekend-op={}&wijk=wijk-a"
    page = await client.get(narrowed.format("2023-04-30"))
    assert '<a href="?periode=2023-03&amp;wijk=wijk-a">Toon wat nu bekend is</a>' in page.text
    none = await client.get(narrowed.format("2020-01-01"))
    assert none.status_code == 404
    assert "Wat toen bekend was, is hier niet bewaard" in none.text
    assert '<a href="?periode=2023-03&amp;wijk=wijk-a">Toon wat nu bekend is</a>' in none.text
