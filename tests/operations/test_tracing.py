"""One submission is one trace and one correlation id, from the gate to the figure, on either bus."""

from collections.abc import Mapping
from typing import Any

import pytest
import structlog
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.runtime import Telemetry, correlated
from services.runtime.tracing import Tracing, span_id_of, trace_id_of
from tests.journey.world import enquiry, settings_for
from tests.operations.conftest import world_of


def test_the_ids_are_the_same_in_every_process_for_ever() -> None:
    submission = "5606434f4334ba321326f053d0b8505d"
    assert f"{trace_id_of(submission):032x}" == submission
    assert f"{trace_id_of('no submission'):032x}" == "e628d22b511fc07617178502d089b749"
    assert trace_id_of("0" * 32), "a trace may not be all zeros"
    assert f"{span_id_of('casework', 'intake/GM0984/1'):016x}" == "80fd9b42f54c61ca"


def _ids(line: Mapping[str, Any]) -> list[str]:
    return line.get("correlation_ids") or [line.get("correlation_id", "")]


def test_a_line_about_many_submissions_names_the_first_twenty() -> None:
    assert correlated(["a", "a"]) == {"correlation_id": "a"}
    assert correlated(str(number % 50) for number in range(100)) == {"correlation_ids": [str(n) for n in range(20)]}
    assert correlated([]) == {}


@pytest.fixture(params=["local", "kafka"])
def bus(request: pytest.FixtureRequest) -> str | None:
    return request.getfixturevalue("empty_kafka") if request.param == "kafka" else None


async def test_the_spans_of_one_submission_meet_though_nothing_is_carried(database_url: str, bus: str | None) -> None:
    spans = InMemorySpanExporter()
    telemetry = Telemetry(tracing=Tracing(SimpleSpanProcessor(spans)))
    with structlog.testing.capture_logs() as lines:
        async with world_of(settings_for(database_url, bus), telemetry=telemetry) as world:
            (one, other) = await world.send(enquiry("C1", "2023-03-01"), enquiry("C2", "2023-03-01"))
            await world.send(enquiry("C1", "2023-03-01", id="again"), enquiry("C1", "2023-03-01", id="again"))
    finished = spans.get_finished_spans()
    trace = _tree([span for span in finished if span.context.trace_id == int(one["submission"], 16)])
    answers = {"intake relay", "intake answers"} if bus else set()
    outgoing = {"casework relay"} if bus else set()
    assert trace == {
        "intake gate": {"casework casework", *answers},
        "casework casework": {"intake outcomes", "reporting facts_1", *outgoing},
        "intake outcomes": {"casework casework", *answers},
    }
    assert len({span.context.span_id for span in finished}) == len(finished)
    assert not [span for span in finished if other["submission"] in str(span.attributes)], "no id in an attribute"

    handled = [line for line in lines if line["event"] == "event handled"]
    told = {line["reader"] for line in handled if line["correlation_id"] == one["submission"]}
    assert told >= {"casework", "outcomes", "facts_1"}
    assert {"position", "stream", "type", "ledger"} <= set(handled[0])

    at_info = [line for line in lines if line["log_level"] == "info"]
    found = {line["event"] for line in at_info if one["submission"] in _ids(line)}
    assert found >= {"submissions judged", "batch handled"}
    judged = next(line for line in at_info if line["event"] == "submissions judged")
    assert (judged["statuses"], judged["codes"]) == ({"accepted": 2}, [])


async def test_a_repeated_submission_begins_no_second_trace(database_url: str) -> None:
    spans = InMemorySpanExporter()
    telemetry = Telemetry(tracing=Tracing(SimpleSpanProcessor(spans)))
    async with world_of(settings_for(database_url, None), telemetry=telemetry) as world:
        for _ in range(3):
            await world.send(enquiry("C1", "2023-03-01", id="once"))
    assert [span.name for span in spans.get_finished_spans()].count("intake gate") == 1


def _tree(spans: list[ReadableSpan]) -> dict[str, set[str]]:
    """The names of the spans below each span; the first has none above it."""
    names: dict[Any, str] = {span.context.span_id: span.name for span in spans}
    tree: dict[str, set[str]] = {}
    for span in spans:
        if span.parent is not None:
            tree.setdefault(names[span.parent.span_id], set()).add(span.name)
        else:
            assert span.name == "intake gate"
    return tree
