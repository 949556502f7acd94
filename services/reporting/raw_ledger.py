"""Casework's ledger as raw rows, in large batches in its order, and the leaf of each without an object per event."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from hashlib import sha256
from operator import itemgetter
from typing import Any

import msgspec

from eventlog.errors import BrokenLedger
from eventlog.ledger import Head, LedgerId, rfc3339
from eventlog.merkle import EMPTY_ROOT

Row = Sequence[Any]
"""In the order of COLUMNS; a day is in days and a moment in microseconds, both counted from 2000."""

COLUMNS = (
    "position",
    "stream",
    "version",
    "type",
    "occurred_on",
    "recorded_at",
    "partner",
    "correlation",
    "causation",
    "data",
    "case_id",
)
_FIRST_DAY = date(2000, 1, 1).toordinal()
_FIRST_MOMENT = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
_READ = f"""
    SELECT {", ".join(COLUMNS)} FROM casework.events
    WHERE gemeente = $1 AND position > $2 AND position <= $3 ORDER BY position
"""
_encode = msgspec.json.Encoder().encode


class RawLedger:
    """One ledger, read over a connection of its own: most of the time goes into objects that nobody asked for."""

    def __init__(self, connection: Any, ledger: LedgerId) -> None:
        self.ledger = ledger
        self._connection = connection

    async def open(self) -> "RawLedger":
        for kind in ("date", "timestamptz"):
            await self._connection.set_type_codec(
                kind, schema="pg_catalog", encoder=_as_is, decoder=itemgetter(0), format="tuple"
            )
        self._statement = await self._connection.prepare(_READ)
        return self

    async def batches(self, after: int, up_to: int, at_once: int) -> AsyncGenerator[list[Row]]:
        """Every event of `after` < position <= `up_to`, the next batch being read while one is worked on.

        Raises BrokenLedger where one is missing. Close it where you do not go through to its end.
        """

        def ask() -> asyncio.Task[list[Row]]:
            return asyncio.create_task(self._read(after, min(after + at_once, up_to)))

        coming = ask()
        try:
            while after < up_to:
                rows = await coming
                after += len(rows)
                if after < up_to:
                    coming = ask()
                    await asyncio.sleep(0)  # It is asked now, not when the caller next waits.
                yield rows
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)

    async def _read(self, after: int, up_to: int) -> list[Row]:
        rows: list[Row] = await self._statement.fetch(self.ledger.gemeente, after, up_to)
        if len(rows) != up_to - after:
            found = {row[0] for row in rows}
            missing = next(position for position in range(after + 1, up_to + 1) if position not in found)
            raise BrokenLedger(f"{self.ledger}/{missing} is missing: restore it, nothing can be built without it")
        return rows

    async def head(self) -> Head:
        query = "SELECT size, root FROM casework.heads WHERE gemeente = $1"
        row = await self._connection.fetchrow(query, self.ledger.gemeente)
        return Head(row[0], row[1]) if row else Head(0, EMPTY_ROOT)

    def leaf_hashes(self, rows: Sequence[Row]) -> list[bytes]:
        """RFC 6962 leaf hashes; what is hashed is what `Recorded.leaf` gives, which a test holds it to."""
        gemeente, source = self.ledger.gemeente, self.ledger.source
        after_correlation = f'","datacontenttype":"application/json","gemeente":"{gemeente}","id":"'
        before_version = f'","source":"{source}","specversion":"1.0","streamversion":"'
        hashes: list[bytes] = []
        last_second, second_text = None, ""
        for position, stream, version, kind, on, at, partner, correlation, causation, data, case in rows:
            second, micro = divmod(at, 1_000_000)
            if second != last_second:
                last_second, second_text = second, _to_the_second(second)
            texts = f"{stream}{kind}{partner}{correlation}{causation}{case}"
            if len(_encode(texts)) != len(texts) + 2:
                # Something to escape, or a letter of several bytes: a few per million, so each is quoted on its own.
                stream, kind, partner = _quoted(stream), _quoted(kind), _quoted(partner)
                correlation, causation, case = _quoted(correlation), _quoted(causation), _quoted(case)
            about = f'\0{{"caseid":"{case}",' if case else "\0{"
            digits = str(position)
            attributes = (
                f'{about}"causationid":"{causation}","correlationid":"{correlation}{after_correlation}{digits}'
                f'","occurredon":"{iso(on)}","partner":"{partner}","sequence":"{digits.zfill(20)}{before_version}{version}'
                f'","subject":"{stream}","time":"{second_text}{micro:06d}Z","type":"{kind}"}}\n'
            )
            hashes.append(sha256(attributes.encode() + data).digest())
        return hashes


def _quoted(text: str) -> str:
    return _encode(text).decode()[1:-1]


def _as_is(value: Any) -> Any:
    return value


@cache
def day(days: int) -> date:
    return date.fromordinal(_FIRST_DAY + days)


@cache
def iso(days: int) -> str:
    return day(days).isoformat()


def _to_the_second(seconds: int) -> str:
    """As in `rfc3339`, up to its point: most of the time that a leaf takes would go into making this anew."""
    return rfc3339(_FIRST_MOMENT + timedelta(seconds=seconds))[: -len("000000Z")]
