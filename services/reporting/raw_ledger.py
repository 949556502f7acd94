"""Casework's ledger as raw rows, in large batches in its order, and the leaf of each without an object per event.

The audit trail is held against it as it is read: PostgreSQL has both at hand then.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from hashlib import sha256
from typing import Any

import msgspec

from eventlog.errors import BrokenLedger
from eventlog.ledger import Head, LedgerId, rfc3339
from eventlog.merkle import EMPTY_ROOT
from services.reporting.audit_trail import EVENTS_BESIDE_TRAIL, IS_AS_RECORDED

Row = Sequence[Any]
"""In the order of COLUMNS, and at the end whether the audit trail has of it what it should.

A day is in days and a moment in microseconds, both counted from 2000.
"""

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
_ENDLESS = {-(2**31): date.min, 2**31 - 1: date.max}  # The driver writes these two as -infinity and infinity.
_FIRST_MOMENT = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
READ = f"""
    SELECT {", ".join(f"event.{name}" for name in COLUMNS)}, {IS_AS_RECORDED}
    FROM {EVENTS_BESIDE_TRAIL} ORDER BY event.position
"""
_encode = msgspec.json.Encoder().encode


class RawLedger:
    """One ledger, read over a connection of its own: most of the time goes into objects that nobody asked for."""

    def __init__(self, connection: Any, ledger: LedgerId) -> None:
        self.ledger = ledger
        self._connection = connection

    async def open(self) -> "RawLedger":
        for kind, count in (("date", "int4"), ("timestamptz", "int8")):
            await self._connection.set_builtin_type_codec(kind, schema="pg_catalog", codec_name=count, format="binary")
        # Else each batch is planned anew, which takes a tenth of what PostgreSQL does for it; and while there are no
        # statistics, as after a restore, it would look at the whole batch for each event.
        await self._connection.execute("SET plan_cache_mode = force_generic_plan; SET enable_nestloop = off")
        self._statement = await self._connection.prepare(READ)
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
        last, moment = None, ""
        for position, stream, version, kind, on, at, partner, correlation, causation, data, case, _ in rows:
            if at != last:  # An event and the answer to its sender are of the same moment.
                last, moment = at, _moment(at)
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
                f'","subject":"{stream}","time":"{moment}","type":"{kind}"}}\n'
            )
            hashes.append(sha256(attributes.encode() + data).digest())
        return hashes


def _quoted(text: str) -> str:
    return _encode(text).decode()[1:-1]


@cache
def day(days: int) -> date:
    return _ENDLESS.get(days) or date.fromordinal(_FIRST_DAY + days)


@cache
def iso(days: int) -> str:
    return day(days).isoformat()


def _moment(microseconds: int) -> str:
    """As `rfc3339`, which alone would take most of the time that a leaf does."""
    second, micro = divmod(microseconds, 1_000_000)
    return f"{_to_the_second(second)}{micro:06d}Z"


@lru_cache(maxsize=1)
def _to_the_second(seconds: int) -> str:
    return rfc3339(_FIRST_MOMENT + timedelta(seconds=seconds))[: -len("000000Z")]
