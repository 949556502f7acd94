"""Records from Kafka that are nobody's submission: kept sealed and counted, until someone has looked at them."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

import msgspec
from sqlalchemy import BigInteger, Column, DateTime, Integer, MetaData, Table, Text, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventlog.vault import Vault
from eventlog.wire import Incoming, Unread

SUBJECT = "parked"
"""Whose key seals them: what cannot be parsed cannot be known to be about any family."""

Reason = Literal["partner-unknown", "header-twice", "not-signed", "not-a-cloudevent", "not-attributable"] | Unread
"""Why a record is parked: what the door makes of it, or that there is nothing of it."""
REASONS: tuple[Reason, ...] = tuple(reason for kind in get_args(Reason) for reason in get_args(kind))

PARKED = Table(
    "parked",
    MetaData(),
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("offset", BigInteger, primary_key=True, autoincrement=False),
    Column("digest", Text, primary_key=True),
    Column("gemeente", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("parked_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    schema="intake",
)


@dataclass(frozen=True, slots=True)
class Parked:
    """A record, the gemeente whose vault keeps it, and why it is parked."""

    record: Incoming
    gemeente: str
    reason: Reason


class Parking(Protocol):
    async def park(self, parked: list[Parked]) -> None:
        """Returns when all of them are durable; the same record again stays parked once."""
        ...


async def count_parked(connection: AsyncConnection) -> dict[str, int]:
    """How many records are parked for each of the REASONS: an alert sees a count rise, not one that begins."""
    query = select(PARKED.c.reason, func.count()).group_by(PARKED.c.reason)
    return dict.fromkeys(REASONS, 0) | {reason: count for reason, count in await connection.execute(query)}


class ParkingLot:
    """The parking in PostgreSQL."""

    def __init__(self, engine: AsyncEngine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault

    async def park(self, parked: list[Parked]) -> None:
        rows = [await self._row(one) for one in parked]
        if not rows:
            return
        async with self._engine.begin() as tx:
            await tx.execute(insert(PARKED).on_conflict_do_nothing(), rows)

    async def open(self, row: Mapping[str, str | int]) -> tuple[list[tuple[str, bytes]], bytes | None]:
        """The headers and the value of a parked record, in the clear."""
        context = f"{row['topic']}/{row['partition']}/{row['offset']}"
        plain = await self._vault.unseal(str(row["gemeente"]), SUBJECT, {"record": str(row["sealed"])}, context)
        raw = msgspec.json.decode(plain["record"])
        # Those that were parked before a header could be there twice.
        pairs = raw["headers"].items() if isinstance(raw["headers"], dict) else raw["headers"]
        headers = [(name, base64.b64decode(held or "")) for name, held in pairs]
        return headers, base64.b64decode(raw["value"]) if raw["value"] is not None else None

    async def _row(self, parked: Parked) -> dict[str, str | int]:
        record = parked.record
        context = f"{record.topic}/{record.partition}/{record.offset}"
        raw = msgspec.json.encode({"headers": record.headers, "value": record.value})
        sealed = await self._vault.seal(parked.gemeente, SUBJECT, {"record": raw.decode()}, context)
        return {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "digest": self._vault.digest(parked.gemeente, raw),
            "gemeente": parked.gemeente,
            "reason": parked.reason,
            "sealed": sealed["record"],
        }
