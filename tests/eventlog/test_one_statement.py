"""An append in one statement is stored only on the head it was numbered for, and otherwise takes the longer way."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from eventlog.errors import VersionConflict
from eventlog.ledger import Append, Outcome
from eventlog.one_statement import Tip
from eventlog.postgres import PostgresLedger
from eventlog.sequencing import Sequenced
from eventlog.verification import verify
from eventlog.writer import Writer
from tests.eventlog.making import GEMEENTE, append
from tests.parts.postgres import as_owner
from tests.parts.waiting import end_who_waits


class Watched(PostgresLedger):
    """Counts the appends that took the longer way."""

    longer = 0

    async def append_and_tell(
        self, tx: AsyncConnection, gemeente: str, appends: Sequence[Append]
    ) -> tuple[Sequenced, Tip]:
        self.longer += 1
        return await super().append_and_tell(tx, gemeente, appends)


@pytest.fixture
def watched(engine: AsyncEngine) -> Watched:
    return Watched(engine, "casework")


async def appended(ledger: PostgresLedger, *appends: Append) -> list[Outcome]:
    async with ledger.appending(GEMEENTE) as append_now:
        return await append_now(appends)


def positions(outcomes: list[Outcome]) -> list[int]:
    return [one.position for outcome in outcomes if isinstance(outcome, list) for one in outcome]


async def test_only_the_first_append_asks_for_the_head(watched: Watched) -> None:
    for number in range(5):
        assert positions(await appended(watched, append(f"s{number}", count=2))) == [2 * number + 1, 2 * number + 2]
    assert watched.longer == 1
    assert (await verify(watched, GEMEENTE)).size == 10


async def test_what_another_process_wrote_is_seen(watched: Watched, ledger: PostgresLedger) -> None:
    await appended(watched, append("a"))
    await appended(ledger, append("b"))
    assert positions(await appended(watched, append("c"))) == [3]
    assert watched.longer == 2
    assert (await verify(watched, GEMEENTE)).size == 3


@pytest.mark.parametrize("expected", [0, 1, 3, 4])
async def test_a_wrong_version_is_a_conflict_whichever_way_it_went(watched: Watched, expected: int) -> None:
    await appended(watched, append("a", count=2))
    right, wrong = await appended(watched, append("b"), append("a", expected))
    assert positions([right]) == [3]
    assert isinstance(wrong, VersionConflict)
    assert wrong.found == 2
    assert (await verify(watched, GEMEENTE)).size == 3


async def test_the_second_of_two_in_one_batch_hears_of_the_first(watched: Watched) -> None:
    await appended(watched, append("a"))
    first, second, third = await appended(watched, append("b"), append("b"), append("b", 1))
    assert positions([first, third]) == [2, 3]
    assert isinstance(second, VersionConflict)
    assert (second.found, watched.longer) == (1, 1)


async def test_processes_that_write_at_once_leave_one_gapless_ledger(engine: AsyncEngine) -> None:
    """With so many callers each of them numbers a batch ahead, which the others keep making wrong."""
    writers = [Writer(PostgresLedger(engine, "casework"), lambda gemeente: None) for _ in range(3)]
    asked = [writer.append(GEMEENTE, append(f"s{n}-{m}")) for n in range(100) for m, writer in enumerate(writers)]
    shared = [writer.append(GEMEENTE, append("shared")) for writer in writers]
    outcomes = await asyncio.gather(*asked, *shared, return_exceptions=True)
    assert sum(isinstance(one, VersionConflict) for one in outcomes) == 2
    stored = [event.position for one in outcomes if isinstance(one, list) for event in one]
    assert sorted(stored) == list(range(1, 302))
    assert (await verify(PostgresLedger(engine, "casework"), GEMEENTE)).size == 301


async def test_a_batch_numbered_ahead_is_stored_without_asking_for_the_head(watched: Watched) -> None:
    writer = Writer(watched, lambda gemeente: None)
    await writer.append(GEMEENTE, append("first"))
    stored = await asyncio.gather(*(writer.append(GEMEENTE, append(f"s{n}")) for n in range(400)))
    assert [one.position for (one,) in stored] == list(range(2, 402))
    assert watched.longer == 1
    assert (await verify(watched, GEMEENTE)).size == 401


async def test_a_lost_connection_is_heard_and_the_next_append_asks_for_the_head(
    watched: Watched, database_url: str
) -> None:
    writer = Writer(watched, lambda gemeente: None)
    await writer.append(GEMEENTE, append("a"))
    operator = create_async_engine(database_url)
    async with operator.begin() as tx:
        await tx.execute(text("LOCK casework.heads IN ACCESS EXCLUSIVE MODE"))
        held_up = asyncio.create_task(writer.append(GEMEENTE, append("b")))
        await end_who_waits(database_url)
    await operator.dispose()
    (heard,) = await asyncio.gather(held_up, return_exceptions=True)
    assert isinstance(heard, Exception)
    assert not isinstance(heard, VersionConflict)
    assert [one.position for one in await writer.append(GEMEENTE, append("b"))] == [2]
    assert watched.longer == 2


async def test_within_a_transaction_it_is_one_statement_too(watched: Watched) -> None:
    for number in range(3):
        async with watched.begin() as tx:
            outcomes = await watched.append(tx, GEMEENTE, [append("a", number), append(f"s{number}")])
        assert positions(outcomes) == [2 * number + 1, 2 * number + 2]
    assert watched.longer == 1
    assert (await verify(watched, GEMEENTE)).size == 6


@pytest.mark.parametrize("expected", [0, 1, 3, 4])
async def test_a_conflict_leaves_the_transaction_as_it_was(watched: Watched, expected: int) -> None:
    """What else is done in it is the reader's effect, which must not be undone by a version that moved on."""
    async with watched.begin() as tx:
        await watched.append(tx, GEMEENTE, [append("a", count=2)])
    async with watched.begin() as tx:
        await watched.append(tx, GEMEENTE, [append("before")])
        right, wrong = await watched.append(tx, GEMEENTE, [append("b"), append("a", expected)])
        await watched.append(tx, GEMEENTE, [append("after")])
    assert positions([right]) == [4]
    assert isinstance(wrong, VersionConflict)
    assert (wrong.found, watched.longer) == (2, 2)
    assert (await verify(watched, GEMEENTE)).size == 5


async def test_what_was_rolled_back_is_not_built_upon(watched: Watched) -> None:
    async with watched.begin() as tx:
        await watched.append(tx, GEMEENTE, [append("a")])
    async with watched.begin() as tx:
        await watched.append(tx, GEMEENTE, [append("b")])
        await tx.execute(text("ROLLBACK"))
    async with watched.begin() as tx:
        assert positions(await watched.append(tx, GEMEENTE, [append("c")])) == [2]
    assert (await verify(watched, GEMEENTE)).size == 2


_LOOKS = """
CREATE FUNCTION casework.only_durable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('synchronous_commit') <> 'on' THEN RAISE EXCEPTION 'answered before it is on the disk'; END IF;
    RETURN NULL;
END $$
"""
# When the transaction ends, so that whatever the statement itself has set is seen.
_AT_THE_END = """
CREATE CONSTRAINT TRIGGER only_durable AFTER INSERT ON casework.events DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION casework.only_durable()
"""


async def test_whichever_way_it_went_it_is_on_the_disk_when_its_caller_hears(
    watched: Watched, database_url: str
) -> None:
    await as_owner(database_url, _LOOKS)
    await as_owner(database_url, _AT_THE_END)
    writer = Writer(watched, lambda gemeente: None)
    for number in range(3):
        await writer.append(GEMEENTE, append(f"s{number}"))
    async with watched.begin() as tx:
        await watched.append(tx, GEMEENTE, [append("within")])
    assert (watched.longer, (await verify(watched, GEMEENTE)).size) == (1, 4)
