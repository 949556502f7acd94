"""Short ways to say an event, an append and what was recorded."""

from collections.abc import Iterable
from datetime import UTC, date, datetime

from eventlog.ledger import Append, LedgerId, NewEvent, Recorded
from eventlog.reader import Follower
from eventlog.wire import Incoming, outgoing

GEMEENTE = "GM0984"


def event(data: bytes = b'{"n":1}', correlation: str = "c") -> NewEvent:
    return NewEvent(
        type="nl.overheid.jeugdzaken.case.first-contact-made.v1",
        data=data,
        occurred_on=date(2023, 5, 8),
        partner="synthetic-test",
        correlation=correlation,
        causation="intake/GM0984/1",
        case="c" * 32,
    )


def append(stream: str, expected_version: int = 0, count: int = 1) -> Append:
    return Append(stream, expected_version, tuple(event(f'{{"n":{n}}}'.encode()) for n in range(count)))


def recorded(position: int, stream: str = "case-1", version: int = 1, service: str = "casework") -> Recorded:
    new = event()
    return Recorded(
        ledger=LedgerId(service, GEMEENTE),
        position=position,
        stream=stream,
        version=version,
        type=new.type,
        occurred_on=new.occurred_on,
        recorded_at=datetime(2023, 5, 8, 12, 0, 0, 1, tzinfo=UTC),
        partner=new.partner,
        correlation=new.correlation,
        causation=new.causation,
        data=new.data,
        case=new.case,
    )


def brought(events: Iterable[Recorded]) -> list[Incoming]:
    """As records of one batch, as they come from the broker."""
    sent = map(outgoing, events)
    return [Incoming(one.topic, 0, at, one.key, one.headers, one.value) for at, one in enumerate(sent)]


async def catch_up(follower: Follower, ledger: LedgerId, reached: int | None = None) -> int:
    """Read on to the ledger's present end; where the follower is then."""
    reached, more = await follower.read_on(ledger, reached)
    while more:
        reached, more = await follower.read_on(ledger, reached)
    return reached
