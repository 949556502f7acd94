"""The parked records, for the operator: what each is and why it was parked; what is in it only when asked for."""

import re
from typing import Any

from rich.console import Console
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from eventlog.engine import make_engine
from eventlog.subject_keys import PostgresKeys
from eventlog.vault import Vault
from services.intake.parked import PARKED, ParkingLot
from services.runtime import Settings, SettingsError

_AT_ONCE = 500
_METADATA = (
    PARKED.c.topic,
    PARKED.c.partition,
    PARKED.c.offset,
    PARKED.c.gemeente,
    PARKED.c.reason,
    PARKED.c.parked_at,
)


class NotParked(LookupError):
    """No such record is parked."""


async def list_parked(settings: Settings, console: Console) -> None:
    """One line per record, oldest first, and how many there are for each reason."""
    engine = make_engine(settings.database_url, "intake")
    try:
        async with engine.connect() as connection:
            query = select(*_METADATA).order_by(PARKED.c.parked_at, PARKED.c.topic, PARKED.c.offset).limit(_AT_ONCE)
            for row in await connection.execute(query):
                where = f"{row.topic}/{row.partition}/{row.offset}"
                _say(console, f"{where} {row.gemeente} since {row.parked_at:%Y-%m-%d %H:%M}: {row.reason}")
            counts = await connection.execute(select(PARKED.c.reason, func.count()).group_by(PARKED.c.reason))
            counted = sorted((reason, count) for reason, count in counts)
    finally:
        await engine.dispose()
    if not counted:
        _say(console, "Nothing is parked.")
    for reason, count in counted:
        _say(console, f"{reason}: {count}")


async def show_parked(settings: Settings, where: str, opened: bool, console: Console) -> None:
    """What is at `where`, as in submissions.school/0/42; with `opened` also its headers and value, in the clear.

    That is one record, and more where the topic was made anew since.
    """
    engine = make_engine(settings.database_url, "intake")
    try:
        for row in await _find(engine, where):
            _say(console, f"record    {where}")
            _say(console, f"gemeente  {row['gemeente']}")
            _say(console, f"parked    {row['parked_at']:%Y-%m-%d %H:%M:%S %Z}")
            _say(console, f"reason    {row['reason']}")
            if opened:
                await _open(settings, engine, row, console)
    finally:
        await engine.dispose()


async def _open(settings: Settings, engine: AsyncEngine, row: dict[str, Any], console: Console) -> None:
    if settings.vault_key is None:
        raise SettingsError("SPOORBOEK_VAULT_KEY is not set: what is parked is sealed with it")
    headers, value = await ParkingLot(engine, Vault(settings.vault_key, PostgresKeys(engine))).open(row)
    for name, held in headers:
        _say(console, f"header    {name}: {_text(held)}")
    _say(console, "value     none" if value is None else f"value     {_text(value)}")


async def _find(engine: AsyncEngine, where: str) -> list[dict[str, Any]]:
    topic, _, rest = where.partition("/")
    partition, _, offset = rest.partition("/")
    if re.fullmatch("[0-9]{1,9}", partition) and re.fullmatch("[0-9]{1,18}", offset):
        at = (PARKED.c.topic == topic, PARKED.c.partition == int(partition), PARKED.c.offset == int(offset))
        async with engine.connect() as connection:
            rows = await connection.execute(select(PARKED).where(*at).order_by(PARKED.c.parked_at))
            if found := [row._asdict() for row in rows]:
                return found
    raise NotParked(f"{where} is not parked: name topic/partition/offset, as `spoorboek parked list` does")


def _text(held: bytes) -> str:
    """What cannot be shown is shown as its bytes: a terminal must not act on what a stranger sent."""
    text = held.decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def _say(console: Console, sentence: str) -> None:
    console.print(sentence, highlight=False, soft_wrap=True, markup=False)
