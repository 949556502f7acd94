"""What Prometheus is told: the gate's outcomes by code, requests by route, and nothing of any person."""

import re
from collections.abc import Callable

import httpx
import pytest
from fastapi import APIRouter
from prometheus_client.parser import text_string_to_metric_families

from services.runtime import Settings, SettingsError
from services.runtime.metrics import CountRequests, Metrics
from services.runtime.web import make_app
from tests.journey.world import COACH, ended, enquiry, settings_for
from tests.operations.conftest import world_of


async def test_outcomes_are_counted_by_status_and_code_and_no_label_is_about_a_person(database_url: str) -> None:
    async with world_of(settings_for(database_url, None)) as world:
        sent = [enquiry("Jansen", "2023-03-01"), ended("Jansen", "2023-05-01"), enquiry("Jansen", "2023-06-01")]
        bad = enquiry("Jansen", "2023-03-01", ageYears=-1, area="nergens", helpQuestion="?")
        nobody = enquiry("Jansen", "2023-03-01") | {"source": "urn:nld:kvknr:00000000:systeem:x"}
        fates = await world.send(*sent, bad)
        await world.client.post(
            "/v1/events",
            json=nobody,
            headers={"Authorization": f"Bearer {COACH.bearer_key}", "Content-Type": "application/cloudevents+json"},
        )
        for unreadable, kind in (
            (b"{", "application/cloudevents+json"),
            (b"[7]", "application/cloudevents-batch+json"),
        ):
            headers = {"Authorization": f"Bearer {COACH.bearer_key}", "Content-Type": kind}
            await world.client.post("/v1/events", content=unreadable, headers=headers)
        for path in (fates[0]["links"]["page"], "/wp-login.php", "/v1/submissions/" + "0" * 32):
            await world.client.get(path)
        await world.client.request("BREW", "/coffee")
        exposed = (await world.client.get("/metrics")).text
        value = _values(exposed)

    assert value("spoorboek_gate_submissions_total", status="accepted") == 3
    assert value("spoorboek_gate_submissions_total", status="rejected") == 1
    assert value("spoorboek_gate_submissions_total", status="unattributable") == 3
    assert value("spoorboek_gate_reasons_total", status="unattributable", code="not-a-cloudevent") == 2
    codes = {error["code"] for error in fates[3]["errors"]}
    assert codes
    for code in codes:
        assert value("spoorboek_gate_reasons_total", status="rejected", code=code) == 1
    refused = "nl.overheid.jeugdzaken.submission.refused.v1"
    assert value("spoorboek_events_handled_total", service="intake", reader="outcomes", type=refused) == 1
    assert value("spoorboek_http_requests_total", method="GET", route="/inzendingen/{address}", status="200") == 1
    assert value("spoorboek_http_requests_total", method="GET", route="unknown", status="404") == 1
    assert value("spoorboek_http_requests_total", method="other", route="unknown", status="404") == 1
    assert value("spoorboek_ledger_events", service="casework", gemeente="GM0984") == 5
    assert value("spoorboek_reader_delay_seconds_count", service="reporting", reader="facts_1")
    assert value("spoorboek_quarantined_events", service="casework") == 0
    assert value("spoorboek_parked_records", reason="not-signed") == 0
    for trace in [fate["submission"] for fate in fates] + ["Jansen", COACH.source, "wp-login", "BREW"]:
        assert trace not in exposed
    assert not re.search(r"[0-9a-f]{32}", exposed)


async def test_a_request_that_fails_is_counted_under_its_route() -> None:
    router = APIRouter()

    @router.get("/fails/{name}")
    async def fails(name: str) -> None:
        raise RuntimeError(name)

    @router.get("/v1/away")
    @router.get("/health/ready")
    async def away() -> None:
        raise ConnectionRefusedError

    metrics = Metrics()
    told = metrics.registry.get_sample_value
    app = make_app("test", [router])
    app.add_middleware(CountRequests, metrics=metrics)
    assert told("spoorboek_http_failures_total") == told("spoorboek_http_turned_away_total") == 0, (
        "an alert sees it rise"
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.get("/fails/secret")).status_code == 500
        assert (await client.get("/v1/away")).status_code == 503
        assert (await client.get("/health/ready")).status_code == 503
    counted = {"method": "GET", "route": "/fails/{name}", "status": "500"}
    assert told("spoorboek_http_requests_total", counted) == 1
    assert told("spoorboek_http_failures_total") == told("spoorboek_http_turned_away_total") == 1


def _values(exposed: str) -> Callable[..., float]:
    samples = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(exposed)
        for sample in family.samples
    }
    return lambda name, **labels: samples[name, frozenset(labels.items())]


@pytest.mark.parametrize("value", ["0", "-1", "a minute", ""])
def test_a_threshold_that_is_no_number_of_seconds_is_refused(value: str) -> None:
    environment = {"SPOORBOEK_DATABASE_URL": "postgresql+asyncpg://x", "SPOORBOEK_LAG_SECONDS": value}
    with pytest.raises(SettingsError, match="SPOORBOEK_LAG_SECONDS"):
        Settings.from_environment(environment)
