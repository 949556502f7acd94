"""A casework ledger like a real one: cases side by side, and each fact followed by the answer to its sender."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice

from eventlog.engine import make_engine
from eventlog.ledger import Append, NewEvent
from eventlog.postgres import PostgresLedger
from schemas.submission import SubmissionApplied
from tests.reporting.made import CaseStory, Told

SIDE_BY_SIDE = 250
FACTS_PER_CASE = 8
EVENTS_PER_CASE = 2 * FACTS_PER_CASE
_AT_ONCE = 2000
_FIRST_DAY = date(2021, 1, 4)


async def fill(database_url: str, gemeente: str, cases: int) -> int:
    """Append the ledger of `cases` cases; how many events that are."""
    engine = make_engine(database_url, "casework")
    ledger = PostgresLedger(engine, "casework")
    appends = _appends(gemeente, cases)
    while batch := list(islice(appends, _AT_ONCE)):
        async with ledger.begin() as tx:
            await ledger.append(tx, gemeente, batch)
    async with ledger.begin() as tx:
        size = (await ledger.sizes(tx))[gemeente]
    await engine.dispose()
    return size


def events_of(gemeente: str, cases: int) -> Iterator[NewEvent]:
    """The same events, for who keeps them otherwise."""
    return (event for append in _appends(gemeente, cases) for event in append.events)


def _appends(gemeente: str, cases: int) -> Iterator[Append]:
    for first in range(0, cases, SIDE_BY_SIDE):
        stories = [_story(f"{gemeente} {number}") for number in range(first, min(first + SIDE_BY_SIDE, cases))]
        for version in range(FACTS_PER_CASE):
            for number, story in enumerate(stories):
                submission = f"{first + number:016x}{version:016x}"
                yield Append(f"case-{story.case}", version, (_fact(story, story.told[version], submission),))
                yield Append(f"submission-{submission}", 0, (_answer(story, story.told[version], submission),))


def _story(reference: str) -> CaseStory:
    days = [_FIRST_DAY + timedelta(days=14 * number) for number in range(FACTS_PER_CASE)]
    story = CaseStory(reference).opened(days[0]).first_contact(days[1])
    for day in days[2:-1]:
        story.contact(day, 45)
    return story.closed(days[-1])


def _fact(story: CaseStory, told: Told, submission: str) -> NewEvent:
    return NewEvent(told.fact.type, told.fact.encode(), told.on, told.partner, submission, "intake/1", story.case)


def _answer(story: CaseStory, told: Told, submission: str) -> NewEvent:
    applied = SubmissionApplied(submission=submission, case=story.case, facts=1)
    return NewEvent(applied.type, applied.encode(), told.on, told.partner, submission, "intake/1", story.case)
