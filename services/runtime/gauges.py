"""How a process stands, as Prometheus gauges; what could not be asked has no value rather than an old one."""

from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from eventlog.relay import Relay
from services.runtime.standing import Standing

_READER = ("service", "reader", "source", "gemeente")
_BUILT = ("generation", "known_on")


class Gauges(Collector):
    """Shows the `standing` that it was given last."""

    def __init__(self) -> None:
        self.standing: Standing | None = None

    def collect(self) -> Iterable[Metric]:
        if (standing := self.standing) is None:
            return
        yield _gauge("ready", "1 where the whole path works.", (), {(): standing.ready})
        up = {(part,): part not in standing.away for part in standing.parts}
        yield _gauge("part_up", "1 where this process reaches the part.", ("part",), up)
        yield from _readers(standing)
        sizes = {(one.service, one.gemeente): one.size for one in standing.ledgers}
        yield _gauge("ledger_events", "Events in a ledger.", ("service", "gemeente"), sizes)
        quarantined = {(service,): held.quarantined for service, held in standing.held.items()}
        waiting = {(service,): held.waiting for service, held in standing.held.items()}
        yield _gauge("quarantined_events", "Events that a reader could not take.", ("service",), quarantined)
        yield _gauge("quarantine_waiting_events", "Events of the same cases, waiting.", ("service",), waiting)
        parked = {(reason,): count for reason, count in (standing.parked or {}).items()}
        yield _gauge("parked_records", "Records from Kafka that are nobody's submission.", ("reason",), parked)
        of = {(str(one.generation), one.known_on): one for one in standing.building}
        stopped = {which: one.stopped for which, one in of.items()}
        done = {which: one.done for which, one in of.items()}
        to_do = {which: one.to_do for which, one in of.items()}
        yield _gauge("rebuild_stopped", "1 where no process works on a rebuild or a copy.", _BUILT, stopped)
        yield _gauge("rebuild_events_done", "Events a rebuild or a copy of the facts has had.", _BUILT, done)
        yield _gauge("rebuild_events", "Events a rebuild or a copy of the facts has to have.", _BUILT, to_do)


def _readers(standing: Standing) -> Iterable[Metric]:
    found = {
        (reader.service, reader.reader, reader.source, ledger.gemeente): ledger
        for reader in standing.readers
        for ledger in reader.ledgers or ()
    }
    behind = {where: ledger.behind for where, ledger in found.items()}
    seconds = {where: ledger.seconds for where, ledger in found.items()}
    stuck = {where: ledger.stuck for where, ledger in found.items()}
    unknown = {(one.service, one.reader, one.source): one.ledgers is None for one in standing.readers}
    unsent = {(one.service,): one.seconds for one in standing.readers if one.reader == Relay.name}
    yield _gauge("reader_events_behind", "Events before a reader.", _READER, behind)
    yield _gauge("reader_seconds_behind", "Age of the oldest event a reader has not had.", _READER, seconds)
    yield _gauge("reader_stuck", "1 where a reader stands still behind its ledger.", _READER, stuck)
    yield _gauge("reader_unknown", "1 where the ledger's owner does not answer.", _READER[:3], unknown)
    yield _gauge("oldest_unsent_seconds", "Age of the oldest event that is not on the bus.", ("service",), unsent)


def _gauge(name: str, told: str, labels: tuple[str, ...], values: Mapping[Any, float | None]) -> Metric:
    gauge = GaugeMetricFamily(f"spoorboek_{name}", told, labels=labels)
    for label_values, value in values.items():
        if value is not None:
            gauge.add_metric(label_values, float(value))
    return gauge
