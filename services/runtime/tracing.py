"""One trace for each submission, from the gate to the figure, without anything carried from one service to the next.

A submission's id has 128 bits, and so has a trace's: they are the same. A step's span takes its id from the event that
it handled, and an event names the one that caused it: so each service can tell the id of the span before its own.
"""

import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, set_span_in_context

from eventlog.ledger import Recorded

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_LONGEST_STOP_SECONDS = 2
_next_ids: ContextVar[tuple[int, int] | None] = ContextVar("next_ids", default=None)


def trace_id_of(correlation: str) -> int:
    """The submission's id as it is; what is no such id (no submission began it) gets one from its hash."""
    try:
        if len(correlation) == 32 and (number := int(correlation, 16)):
            return number
    except ValueError:
        pass
    return _hashed(correlation, 16)


def span_id_of(service: str, cause: str) -> int:
    """The span in which `service` handled `cause`: an event by its ledger and position, or a submission by its id."""
    return _hashed(f"{service} {cause}", 8)


def before(event: Recorded) -> SpanContext:
    """The span that recorded `event`: the same service handled what the event says it was caused by."""
    return SpanContext(
        trace_id_of(event.correlation),
        span_id_of(event.ledger.service, event.causation),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )


class Tracing:
    """The spans of one process. Without a `processor` there is nothing to pay for."""

    def __init__(self, processor: SpanProcessor | None = None, name: str = "spoorboek") -> None:
        self._provider: TracerProvider | None = None
        if processor is not None:
            resource = Resource.create({"service.name": name})
            self._provider = TracerProvider(resource=resource, id_generator=_GivenIds(), shutdown_on_exit=False)
            self._provider.add_span_processor(processor)
            self._tracer = self._provider.get_tracer("spoorboek")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], services: Sequence[str]) -> "Tracing":
        """Spans go where the OpenTelemetry variables say; where they say nothing there are none."""
        if not any(environment.get(name) for name in _ENDPOINTS):
            return cls()
        # Loaded by who wants it: the exporter brings a second HTTP client and takes a while.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        name = f"spoorboek-{services[0]}" if len(services) == 1 else "spoorboek"
        return cls(BatchSpanProcessor(OTLPSpanExporter()), environment.get("OTEL_SERVICE_NAME", name))

    def submitted(self, submission: str, status: str, began: int, ended: int) -> None:
        """The root: the gate took `submission` and gave its answer, between two moments in nanoseconds."""
        if self._provider is not None:
            with _ids(trace_id_of(submission), span_id_of("intake", submission)):
                span = self._tracer.start_span("intake gate", Context(), SpanKind.SERVER, start_time=began)
            span.set_attribute("spoorboek.status", status)
            span.end(ended)

    def handled(self, service: str, reader: str, events: Sequence[Recorded], began: int, ended: int) -> None:
        """A span for each event that `reader` of `service` has had; the events of a batch share its time."""
        if self._provider is None:
            return
        for event in events:
            previous = before(event)
            parent = set_span_in_context(NonRecordingSpan(previous), Context())
            # Who publishes its own service's events records none, so its span is nobody's parent.
            publishes = event.ledger.service == service
            kind = SpanKind.PRODUCER if publishes else SpanKind.CONSUMER
            span_id = span_id_of(f"{service} {reader}" if publishes else service, str(event))
            with _ids(previous.trace_id, span_id):
                span = self._tracer.start_span(f"{service} {reader}", parent, kind, start_time=began)
            span.set_attributes(
                {
                    "spoorboek.ledger": str(event.ledger),
                    "spoorboek.position": event.position,
                    "spoorboek.type": event.type,
                    "messaging.batch.message_count": len(events),
                }
            )
            span.end(ended)

    def stop(self) -> None:
        """Send what is left, if whoever gathers it answers in time."""
        if self._provider is not None:
            # The exporter keeps trying for longer than a process that is told to stop is given.
            sending = threading.Thread(target=self._provider.shutdown, daemon=True)
            sending.start()
            sending.join(_LONGEST_STOP_SECONDS)


class _GivenIds(IdGenerator):
    """The ids that were set for the next span, else random ones."""

    _random = RandomIdGenerator()

    def generate_trace_id(self) -> int:
        given = _next_ids.get()
        return given[0] if given else self._random.generate_trace_id()

    def generate_span_id(self) -> int:
        given = _next_ids.get()
        return given[1] if given else self._random.generate_span_id()


@contextmanager
def _ids(trace_id: int, span_id: int) -> Iterator[None]:
    token = _next_ids.set((trace_id, span_id))
    try:
        yield
    finally:
        _next_ids.reset(token)


def _hashed(text: str, size: int) -> int:
    # An id of only zeros would be none; the 1 is for that.
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:size]) or 1
