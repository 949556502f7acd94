"""Without the broker submissions are taken and kept; the process says what is away and goes on by itself."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from services.demonstration.targets import PROGRAMME
from tests.journey.world import enquiry
from tests.operations.served import Served
from tests.parts.kafka import Broker


@pytest.fixture
async def serve(database_url: str, tmp_path: Path) -> AsyncIterator[Callable[[str], Served]]:
    begun: list[Served] = []

    def begin(kafka: str) -> Served:
        begun.append(Served(database_url, tmp_path, kafka))
        return begun[-1]

    yield begin
    for one in begun:
        one.kill()


async def test_a_broker_that_is_away_at_the_start_or_later_costs_time_and_nothing_else(
    own_kafka_broker: Broker, serve: Callable[[str], Served]
) -> None:
    own_kafka_broker.kill()
    served = serve(own_kafka_broker.bootstrap)
    await _is_away_and_takes(served, [enquiry("C1", "2023-03-01"), enquiry("C2", "2023-03-02")])
    assert {line["part"] for line in served.log if line["event"] == "waiting for part"} == {"broker"}
    own_kafka_broker.start()
    await served.settled()
    assert await _new(served) == 2

    own_kafka_broker.kill()
    await _is_away_and_takes(served, [enquiry("C3", "2023-03-03")])
    metrics = (await served.client.get("/metrics")).text
    assert 'spoorboek_part_up{part="broker"} 0.0' in metrics
    behind = "spoorboek_reader_events_behind"
    relay = f'{behind}{{gemeente="GM0984",reader="relay",service="intake",source="intake"}}'
    assert f"{relay} 1.0" in metrics
    own_kafka_broker.start()
    await served.settled()
    assert await _new(served) == 3
    assert await served.end() == 0


async def _is_away_and_takes(served: Served, events: list[dict[str, Any]]) -> None:
    away = (await served.until_ready(503)).json()
    while away["status"] != "broker away":
        away = (await served.until_ready(503)).json()
    assert away["away"] == ["broker"]
    assert (await served.client.get("/health/accepting")).status_code == 200
    results = await served.send(events)
    assert results is not None
    assert {result["status"] for result in results} == {"accepted"}


async def _new(served: Served) -> int:
    figure = await served.client.get("/v1/figures/new", params={"programme": PROGRAMME, "period": "2023"})
    return int(figure.json()["value"])
