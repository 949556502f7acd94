"""The peer: the `eventsourcing` library on the same PostgreSQL, used as its documentation shows, with threads."""

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count, islice
from time import perf_counter
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from sqlalchemy import make_url

from eventlog.ledger import NewEvent

POOL = 10
_AT_ONCE, _STORED_AT_ONCE = 1000, 100  # Its pipeline stands still where it is given much more.


class Contact(Aggregate):
    """A contact as the peer would keep it: one aggregate, made by one event with the same fields as ours."""

    @event("Logged")
    def __init__(self, case: str, coach: str, kind: str, minutes: int, programme: str, partner: str) -> None:
        self.case, self.coach, self.kind = case, coach, kind
        self.minutes, self.programme, self.partner = minutes, programme, partner


class Told(Aggregate):
    """Any event of ours as the peer would keep it: what it is about, and the same data."""

    @event("Kept")
    def __init__(
        self, kind: str, occurred_on: str, partner: str, correlation: str, causation: str, data: dict[str, Any]
    ) -> None:
        self.kind, self.occurred_on, self.partner = kind, occurred_on, partner
        self.correlation, self.causation, self.data = correlation, causation, data


class Contacts(Application[UUID]):
    """Takes one command and stores one event."""

    def keep(self) -> None:
        self.save(_contact())


def _contact() -> Contact:
    contact: Contact = Contact(
        case="5d41402abc4b2a76b9719d911017c592",
        coach="7d793037a0760186574b0282f2f435e7",
        kind="telephone",
        minutes=25,
        programme="gezinscoaches-venray",
        partner="synthetic-synthese",
    )
    return contact


@contextmanager
def contacts(database_url: str) -> Iterator[Contacts]:
    url = make_url(database_url)
    app = Contacts(
        env={
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": url.database or "",
            "POSTGRES_HOST": url.host or str(url.query.get("host", "")),
            "POSTGRES_PORT": str(url.port or url.query.get("port", 5432)),
            "POSTGRES_USER": url.username or "",
            "POSTGRES_PASSWORD": url.password or " ",
            "POSTGRES_POOL_SIZE": str(POOL),
            "POSTGRES_MAX_OVERFLOW": str(POOL),
        }
    )
    try:
        yield app
    finally:
        app.close()


def append_rate(app: Contacts, callers: int, seconds: float) -> float:
    """Commands per second, each caller a thread that sends its next command when the last is durable."""
    ended = perf_counter() + seconds

    def caller() -> int:
        for done in count(1):
            app.keep()
            if perf_counter() > ended:
                return done
        raise AssertionError

    started = perf_counter()
    with ThreadPoolExecutor(callers) as threads:
        done = sum(threads.map(lambda _: caller(), range(callers)))
    return done / (perf_counter() - started)


def fill(app: Contacts, events: Iterable[NewEvent]) -> int:
    """Store the same events; how many they are."""
    told, stored = map(_told, events), 0
    while batch := list(islice(told, _STORED_AT_ONCE)):
        app.save(*batch)
        stored += len(batch)
    return stored


def _told(new: NewEvent) -> Told:
    told: Told = Told(
        kind=new.type,
        occurred_on=new.occurred_on.isoformat(),
        partner=new.partner,
        correlation=new.correlation,
        causation=new.causation,
        data=json.loads(new.data),
    )
    return told


def read_rate(app: Contacts) -> float:
    """Events per second from the log to the objects they are."""
    started, read = perf_counter(), 0
    while notifications := app.recorder.select_notifications(start=read + 1, limit=_AT_ONCE):
        for notification in notifications:
            app.mapper.to_domain_event(notification)
        read += len(notifications)
    return read / (perf_counter() - started)
