"""From the lives of many cases to one stream of CloudEvents, in the order in which the partners send them."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from heapq import heappop, heappush
from typing import Any

from services.demonstration.senders import Sender
from services.demonstration.story import Told

_MORNING = time(7, 30, tzinfo=UTC)
_LAST_SECOND_OF_WORK = 10 * 3600


def by_day(stories: Iterable[list[Told]]) -> Iterator[Told]:
    """The statements of all stories by day, each story in its own order.

    The stories come ordered by their first day, so only the cases that still run are held in memory.
    """
    waiting: list[tuple[date, int, Told]] = []
    count = 0
    for story in stories:
        while waiting and waiting[0][0] < story[0].day:
            yield heappop(waiting)[2]
        for told in story:
            count += 1
            heappush(waiting, (told.day, count, told))
    while waiting:
        yield heappop(waiting)[2]


def as_cloudevents(tellings: Iterable[tuple[Sender, Told]], repeat_every: int = 0) -> Iterator[dict[str, Any]]:
    """Each statement as a CloudEvent; every `repeat_every`th is sent twice, as a partner does who saw no answer."""
    today, nth_of_day = date.min, 0
    for number, (sender, told) in enumerate(tellings, start=1):
        nth_of_day = nth_of_day + 1 if told.day == today else 0
        today = told.day
        sent_at = datetime.combine(today, _MORNING) + timedelta(seconds=min(nth_of_day * 60, _LAST_SECOND_OF_WORK))
        event = {
            "specversion": "1.0",
            # A number and nothing else: an id is kept as it was sent, so it may not hold a case's reference.
            "id": f"demonstratie-{number:07d}",
            "source": sender.source,
            "type": told.statement.type,
            "time": sent_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "datacontenttype": "application/json",
            "data": told.statement.model_dump(mode="json", exclude_none=True),
        }
        yield event
        if repeat_every and number % repeat_every == 0:
            yield dict(event)
