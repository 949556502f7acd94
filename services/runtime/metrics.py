"""What this process counts and times, for Prometheus: of no person, and with labels that take few values."""

import time
from collections import Counter as Tally
from collections.abc import Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.process_collector import ProcessCollector

from eventlog.ledger import Recorded

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_DELAYS_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600, 3600)


class Metrics:
    """One registry for each process, so that two in one test do not meet."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # Each would be a gauge under its counter's words.
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._submissions = self._counter("gate_submissions", "Submissions by what the gate answered.", "status")
        self._reasons = self._counter(
            "gate_reasons", "Reasons the gate gave, by code; a submission may have several.", "status", "code"
        )
        self._handled = self._counter(
            "events_handled", "Events whose effect a reader has committed.", "service", "reader", "type"
        )
        self._batches = self._timer("batch_seconds", "What a reader took for a batch of events.", "service", "reader")
        self._delays = self._timer(
            "reader_delay_seconds", "Age of a batch's oldest event at its effect's commit.", "service", "reader"
        )
        self._requests = self._counter("http_requests", "HTTP requests answered.", "method", "route", "status")
        # Without a label they are there at 0 from the start: an alert sees a count rise, not one that begins.
        self._failures = self._counter("http_failures", "Requests that failed here, answered 500.")
        self._turned_away = self._counter("http_turned_away", "Requests told to come back, answered 503.")
        self._durations = self._timer("http_request_seconds", "Time to the end of the answer.", "method", "route")

    def _counter(self, name: str, told: str, *labels: str) -> Counter:
        return Counter(f"spoorboek_{name}", told, labels, registry=self.registry)

    def _timer(self, name: str, told: str, *labels: str) -> Histogram:
        return Histogram(f"spoorboek_{name}", told, labels, registry=self.registry, buckets=_DELAYS_SECONDS)

    def judged(self, status: str, codes: Sequence[str]) -> None:
        """The gate answered one submission with `status`, for the reasons `codes`, both from closed lists."""
        self._submissions.labels(status).inc()
        for code in codes:
            self._reasons.labels(status, code).inc()

    def handled(self, service: str, reader: str, events: Sequence[Recorded], seconds: float) -> None:
        """A reader has committed the effect of `events`."""
        for kind, count in Tally(event.type for event in events).items():
            self._handled.labels(service, reader, kind).inc(count)
        self._batches.labels(service, reader).observe(seconds)
        self._delays.labels(service, reader).observe(max(0.0, time.time() - events[0].recorded_at.timestamp()))

    def requested(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).inc()
        if status == 500:
            self._failures.inc()
        elif status == 503 and not route.startswith("/health"):
            self._turned_away.inc()
        self._durations.labels(method, route).observe(seconds)


class CountRequests:
    """Middleware that counts each request under its route's pattern, never under what was filled in there."""

    def __init__(self, app: Any, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def sending(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.requested(method, route_of(scope), status, time.perf_counter() - began)


def route_of(scope: Any) -> str:
    """The pattern of the request's route: what was filled in there may be all that it takes to see a page."""
    return str(getattr(scope.get("route"), "path", "unknown"))
