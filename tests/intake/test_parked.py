"""What the operator sees of parked records: where they came from and why; what is in them only when asked for."""

from collections.abc import AsyncIterator
from io import StringIO

import pytest
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncEngine

from eventlog.engine import make_engine
from eventlog.subject_keys import PostgresKeys
from eventlog.vault import Vault
from eventlog.wire import Incoming
from services.intake.parked import Parked, ParkingLot
from services.parked import NotParked, list_parked, show_parked
from services.runtime import Settings

WHERE = "submissions.school/2/41"
RECORD = Incoming("submissions.school", 2, 41, None, [("ce_id", b"x\xff")], b"Anna \x1b[2J de Vries")


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(database_url, "intake")
    yield engine
    await engine.dispose()


@pytest.fixture
async def settings(database_url: str, engine: AsyncEngine) -> Settings:
    lot = ParkingLot(engine, Vault(b"k" * 32, PostgresKeys(engine)))
    await lot.park([Parked(RECORD, "GM0984", "not-signed")])
    return Settings(database_url, vault_key=b"k" * 32)


@pytest.fixture
def console() -> Console:
    return Console(file=StringIO(), width=500)


def said(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


async def test_the_list_gives_place_and_reason_and_counts_them(settings: Settings, console: Console) -> None:
    await list_parked(settings, console)
    line, count = said(console).splitlines()
    assert line.startswith(f"{WHERE} GM0984 since 20")
    assert line.endswith(": not-signed")
    assert count == "not-signed: 1"
    assert "Anna" not in said(console)


async def test_what_is_in_a_record_is_not_shown_unasked(settings: Settings, console: Console) -> None:
    await show_parked(settings, WHERE, False, console)
    assert "reason    not-signed" in said(console)
    assert "Anna" not in said(console)


async def test_what_is_in_a_record_cannot_act_on_the_terminal(settings: Settings, console: Console) -> None:
    await show_parked(settings, WHERE, True, console)
    assert "value     Anna \\x1b[2J de Vries\n" in said(console)
    assert "header    ce_id: x\\xff\n" in said(console)


@pytest.mark.parametrize(
    "where", ["submissions.school/2/42", "submissions.school", "other/2/41", "a/b/c", "a/²/1", "a/1/" + "9" * 20]
)
async def test_a_record_that_is_not_parked_is_said_to_be_not(settings: Settings, console: Console, where: str) -> None:
    with pytest.raises(NotParked, match="name topic/partition/offset"):
        await show_parked(settings, where, False, console)


async def test_an_empty_list_says_so(database_url: str, console: Console) -> None:
    await list_parked(Settings(database_url), console)
    assert said(console) == "Nothing is parked.\n"
