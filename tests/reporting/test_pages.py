"""The pages and the API as a reader meets them: every figure opens into a list as long as itself, that into events."""

import re
from datetime import date

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from structlog.testing import capture_logs

from services.reporting.api import make_api
from services.reporting.figures import Figures
from services.reporting.pages import Pages
from services.runtime.web import make_app
from tests.parts.postgres import as_owner
from tests.reporting.made import PROGRAMMES, CaseStory, Casework

YEAR = "/programmas/gezinscoaches-venray/2023"
QUERY = "?programme=gezinscoaches-venray&period=2023"
STORIES = [
    CaseStory("closed").opened(date(2023, 2, 1)).contact(date(2023, 2, 9), 45).closed(date(2023, 3, 1)),
    CaseStory("runs").opened(date(2023, 11, 2), area="wijk-b", channel="school").referred(date(2023, 11, 20)),
    CaseStory("before").opened(date(2022, 11, 2)).closed(date(2023, 1, 2), referred_to=("social-work",)),
]


@pytest.fixture
async def filled(casework: Casework, client: httpx.AsyncClient) -> httpx.AsyncClient:
    await casework.writes(STORIES)
    await casework.read_by_reporting()
    return client


async def test_every_figure_on_the_year_page_opens_into_a_list_as_long_as_itself(filled: httpx.AsyncClient) -> None:
    page = (await filled.get(YEAR)).text
    links = re.findall(r'<a (?:class="figure" )?href="([^"]*/cijfers/[^"]*)"[^>]*>([0-9.,%]+)</a>', page)
    assert len(links) > 60
    opened = {address.replace("&amp;", "&"): shown for address, shown in links}
    for address, shown in opened.items():
        answer = await filled.get(address)
        assert answer.status_code == 200, address
        rows = answer.text.count('href="/trajecten/')
        if shown.endswith("%"):
            assert f"<h2>De teller: {rows} " in answer.text, address
        else:
            assert rows == int(shown), address


async def test_a_row_opens_into_its_events_in_the_order_of_the_ledger(filled: httpx.AsyncClient) -> None:
    listed = (await filled.get(f"{YEAR}/cijfers/closed?periode=2023-03")).text
    [address] = re.findall(r'href="(/trajecten/[^"]+)"', listed)
    events = (await filled.get(address)).text
    told = re.findall(r"<strong>(\d+)</strong>\s*</td>.*?<th scope=\"row\">([^<]+)<", events, re.DOTALL)
    assert told == [("1", "Casus geopend"), ("2", "Contact vastgelegd"), ("3", "Casus afgesloten")]
    assert "casework/GM0984" in events


async def test_the_printed_value_stands_beside_the_figure_with_its_line_and_whether_it_agrees(
    filled: httpx.AsyncClient,
) -> None:
    page = (await filled.get(YEAR)).text
    assert "bron 001, regel 407" in page
    assert "afwijking" in page
    assert "ruim 50%" in page
    assert "niet gedrukt" in page
    one_area = (await filled.get(f"{YEAR}?wijk=wijk-a")).text
    assert "bron 001" not in one_area.split("<main")[1].split("De evaluatie schrijft")[0]


@pytest.mark.parametrize("address", ["/", YEAR, f"{YEAR}/cijfers/new"])
async def test_synthetic_data_is_said_on_every_page(filled: httpx.AsyncClient, address: str) -> None:
    assert "Synthetische gegevens" in (await filled.get(address)).text


async def test_real_partners_get_no_banner(casework: Casework, client: httpx.AsyncClient) -> None:
    await casework.writes([CaseStory("real", partner="synthese").opened(date(2023, 2, 1))])
    await casework.read_by_reporting()
    assert "Synthetische gegevens" not in (await client.get(YEAR)).text


async def test_a_year_without_data_says_so(client: httpx.AsyncClient) -> None:
    answer = await client.get(YEAR)
    assert (answer.status_code, "niets geregistreerd" in answer.text) == (200, True)


@pytest.mark.parametrize(
    "address",
    [
        "/programmas/onbekend/2023",
        "/programmas/gezinscoaches-venray/20233",
        "/programmas/gezinscoaches-venray/%3Cb%3E",
        f"{YEAR}?wijk=zee",
        f"{YEAR}/cijfers/nergens",
        f"{YEAR}/cijfers/new?periode=2022",
        f"{YEAR}/cijfers/new?reden=as-planned",
        f"{YEAR}/cijfers/new?bladzijde=0",
        f"{YEAR}/cijfers/new?bladzijde=%C2%B2",
        f"/trajecten/{'0' * 32}/1",
        f"/trajecten/{'0' * 32}/x",
    ],
)
async def test_what_does_not_exist_is_a_page_that_helps(filled: httpx.AsyncClient, address: str) -> None:
    answer = await filled.get(address)
    assert (answer.status_code, "Deze pagina bestaat niet" in answer.text) == (404, True)


async def test_before_anything_was_folded_the_pages_and_the_api_say_so(engine: AsyncEngine) -> None:
    figures = Figures(engine)
    app = make_app("reporting", [make_api(figures, PROGRAMMES), Pages(figures, PROGRAMMES, {}).router()])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://spoorboek") as client:
        assert [(await client.get(address)).status_code for address in (YEAR, f"/v1/figures/new{QUERY}")] == [503, 503]


async def test_the_api_answers_a_figure_with_its_receipt(filled: httpx.AsyncClient) -> None:
    answer = (await filled.get(f"/v1/figures/new-by-channel{QUERY}&channel=school")).json()
    assert (answer["value"], answer["numerator"], answer["denominator"]) == (50.0, 1, 2)
    assert answer["ledger"] == {"name": "casework/GM0984", "size": 7, "heldCases": 0}
    assert len(answer["definition"]["hash"]) == 64
    assert answer["synthetic"] is True
    behind = (await filled.get(answer["links"]["denominator"])).json()
    assert (behind["total"], len(behind["segments"])) == (2, 2)


async def test_a_figure_that_lacks_what_is_held_says_so(
    filled: httpx.AsyncClient, casework: Casework, database_url: str
) -> None:
    """It names the ledger's events up to a position, and of one case it has not all of them."""
    story = CaseStory("held").opened(date(2023, 4, 3))
    figure, page = f"/v1/figures/closed{QUERY}", f"{YEAR}/cijfers/new"
    await casework.writes([story])
    await casework.read_by_reporting()
    before = [(await filled.get(address)).text for address in (YEAR, page, f"/trajecten/{story.case}/1")]
    await as_owner(database_url, f"ALTER TABLE facts_1.segments ADD CHECK (case_id <> '{story.case}' OR minutes = 0)")
    await casework.writes([story.contact(date(2023, 4, 5), 30).closed(date(2023, 5, 1))])
    await casework.read_by_reporting()
    counted = (await filled.get(figure)).json()
    opened = (await filled.get(f"/v1/cases/{story.case}/segments/1/events")).json()
    other = (await filled.get(f"/v1/cases/{STORIES[0].case}/segments/1/events")).json()
    assert (counted["value"], counted["ledger"]) == (2, {"name": "casework/GM0984", "size": 10, "heldCases": 1})
    assert (opened["held"], len(opened["events"]), other["held"]) == (True, 1, False)
    after = [(await filled.get(address)).text for address in (YEAR, page, f"/trajecten/{story.case}/1")]
    said = (
        "Van 1 casus in dit grootboek",
        "tot en met 10, zonder wat is aangehouden",
        "Latere gebeurtenissen van deze",
    )
    for sentence, was, now in zip(said, before, after, strict=True):
        assert (sentence in was, sentence in now) == (False, True)


async def test_the_api_opens_a_figure_down_to_the_events(filled: httpx.AsyncClient) -> None:
    figure = (await filled.get(f"/v1/figures/consulent-referrals{QUERY}")).json()
    [row] = (await filled.get(figure["links"]["segments"])).json()["segments"]
    answer = (await filled.get(row["links"]["events"])).json()
    assert [event["position"] for event in answer["events"]] == [4, 5]
    opened = answer["events"][0]
    assert opened["envelope"]["type"] == "nl.overheid.jeugdzaken.case.opened.v1"
    assert (opened["envelope"]["id"], opened["ledger"]) == ("4", "casework/GM0984")
    assert opened["data"]["channel"] == "school"


async def test_the_api_pages_a_list(filled: httpx.AsyncClient) -> None:
    first = (await filled.get(f"/v1/figures/active/segments{QUERY}&pageSize=2")).json()
    last = (await filled.get(first["links"]["next"])).json()
    assert (first["total"], len(first["segments"]), len(last["segments"])) == (3, 2, 1)
    assert "next" not in last["links"]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        (f"/v1/figures/nothing{QUERY}", 404),
        ("/v1/figures/new?programme=nothing&period=2023", 404),
        ("/v1/figures/new?programme=gezinscoaches-venray&period=2023-13", 400),
        ("/v1/figures/new?programme=gezinscoaches-venray", 400),
        (f"/v1/figures/new{QUERY}&area=sea", 400),
        (f"/v1/figures/new{QUERY}&colour=blue", 400),
        (f"/v1/figures/new/segments{QUERY}&part=denominator", 400),
        (f"/v1/figures/new/segments{QUERY}&pageSize=5000", 400),
        (f"/v1/cases/{'0' * 32}/segments/1/events", 404),
        ("/v1/cases/short/segments/1/events", 400),
    ],
)
async def test_a_question_that_cannot_be_answered_is_a_problem(
    filled: httpx.AsyncClient, address: str, status: int
) -> None:
    answer = await filled.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["detail"]


async def test_the_api_lists_every_indicator_with_its_hash(filled: httpx.AsyncClient) -> None:
    answer = (await filled.get("/v1/indicators")).json()["indicators"]
    assert {"new", "closed", "active"} <= {indicator["id"] for indicator in answer}
    assert all(len(indicator["hash"]) == 64 for indicator in answer)


@pytest.mark.parametrize("address", [f"{YEAR}", f"/v1/figures/new{QUERY}", "/trajecten/" + "a" * 32 + "/1"])
async def test_who_asks_a_database_that_answers_nothing_is_told_to_come_back(
    filled: httpx.AsyncClient, database_url: str, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """What was filled in in an address is not for the log: a route says enough."""
    monkeypatch.setattr("services.reporting.figures._LONGEST_SECONDS", 0.2)
    owner = create_async_engine(database_url)
    async with owner.begin() as tx:
        await tx.execute(text("LOCK TABLE reporting.generation IN ACCESS EXCLUSIVE MODE"))
        with capture_logs() as logs:
            answer = await filled.get(address)
    await owner.dispose()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    (line,) = logs
    assert line["event"] == "database away"
    assert "{" in line["route"]


async def test_a_case_that_nobody_could_have_is_not_looked_for(filled: httpx.AsyncClient) -> None:
    for case in ("%00", "x" * 32, "a" * 31):
        assert (await filled.get(f"/trajecten/{case}/1")).status_code == 404
