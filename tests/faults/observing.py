"""What an installation holds in the end, read from its tables, its topics and its interfaces."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from sqlalchemy import make_url, text

from eventlog.engine import make_engine
from eventlog.errors import BrokenLedger, VaultError
from eventlog.ledger import SERVICES
from eventlog.postgres import PostgresLedger
from eventlog.subject_keys import PostgresKeys
from eventlog.vault import SEALED, Vault
from eventlog.verification import verify
from schemas.event import NAMESPACE
from schemas.submission import SubmissionAccepted
from services.reporting.indicators import CATALOGUE
from tests.faults.work import YEARS, Work, name

Row = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Answer:
    """A record on a partner's topic."""

    id: str
    type: str
    submission: str
    value: bytes


@dataclass
class Kept:
    """`streams`: the types in each submission's stream; `decided`: what casework made of it; `told`: what GET says.

    `reasons`: the rule that GET says was broken, and the codes; `opened`: what was sealed of each, in the clear, or why
    it does not open.
    """

    streams: dict[str, list[str]] = field(default_factory=dict)
    decided: dict[str, list[str]] = field(default_factory=dict)
    told: dict[str, tuple[str, str]] = field(default_factory=dict)
    reasons: dict[str, list[str | None]] = field(default_factory=dict)
    facts: list[Row] = field(default_factory=list)
    projected: list[Row] = field(default_factory=list)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    opened: dict[str, dict[str, str]] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    parked: int = 0
    unsigned: int = 0
    events: int = 0


async def observe(
    url: str, vault_key: bytes, work: Work, intake: httpx.AsyncClient, reporting: httpx.AsyncClient
) -> Kept:
    """Everything but the answers on Kafka."""
    kept = Kept()
    connection = await asyncpg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
    try:
        await _read_streams(connection, kept)
        await _read_facts(connection, kept)
        kept.parked = await connection.fetchval("SELECT count(*) FROM intake.parked")
    finally:
        await connection.close()
    for event in work.events:
        headers = {"Authorization": f"Bearer {work.sender(event).bearer_key}"}
        answer = await intake.get(f"/v1/submissions/{name(event)}", headers=headers)
        said = answer.json()
        kept.told[name(event)] = (str(said["status"]), said.get("receivedAt", ""))
        kept.reasons[name(event)] = [said.get("rule"), *(error["code"] for error in said.get("errors", ()))]
    for programme in work.programmes:
        for indicator in CATALOGUE:
            for year in YEARS:
                query = {"programme": programme.id, "period": str(year)}
                figure = (await reporting.get(f"/v1/figures/{indicator.id}", params=query)).json()
                counted = [figure.get(part) for part in ("value", "numerator", "denominator", "title")]
                kept.figures[f"{programme.id} {indicator.id} {year}"] = counted
    kept.opened = await _opened(url, vault_key)
    kept.broken = [sentence for service in SERVICES async for sentence in _broken(url, service)]
    return kept


async def _read_streams(connection: Any, kept: Kept) -> None:
    streams: defaultdict[str, list[str]] = defaultdict(list)
    for row in await connection.fetch("SELECT correlation, type FROM intake.events ORDER BY gemeente, position"):
        streams[row["correlation"]].append(_short(row["type"]))
    decided: defaultdict[str, list[str]] = defaultdict(list)
    for row in await connection.fetch("SELECT correlation, type FROM casework.events ORDER BY gemeente, position"):
        if row["type"].startswith(f"{NAMESPACE}submission."):
            decided[row["correlation"]].append(_short(row["type"]))
    kept.streams, kept.decided = dict(streams), dict(decided)
    counts = [await connection.fetchval(f"SELECT count(*) FROM {service}.events") for service in SERVICES]
    kept.events = sum(counts)


async def _read_facts(connection: Any, kept: Kept) -> None:
    """The ledger's facts and the projection's, and its rows with each position replaced by what caused the event there.

    Positions differ between two runs of the same submissions; which submission an event came of does not.
    """
    columns = "gemeente, position, version, type, occurred_on, recorded_at, partner, correlation, causation, data"
    query = f"SELECT {columns} FROM casework.events WHERE type LIKE $1 ORDER BY gemeente, position"
    facts = await connection.fetch(query, f"{NAMESPACE}case.%")
    live = await connection.fetchval("SELECT live FROM reporting.generation")
    projected = await connection.fetch(f"SELECT {columns} FROM reporting.case_events ORDER BY gemeente, position")
    kept.facts, kept.projected = [tuple(row.items()) for row in facts], [tuple(row.items()) for row in projected]
    causes = {(row["gemeente"], row["position"]): (row["correlation"], row["type"]) for row in facts}
    for table in ("segments", "consulent_referrals"):
        rows = await connection.fetch(f"SELECT * FROM facts_{live}.{table} ORDER BY 1, 2, 3")
        kept.rows[table] = [tuple(_without_positions(row, causes)) for row in rows]


def _without_positions(row: Any, causes: Mapping[tuple[str, int], tuple[str, str]]) -> Sequence[tuple[str, Any]]:
    def comparable(column: str, value: Any) -> Any:
        if column.endswith("_position"):
            return causes.get((row["gemeente"], value), value)
        return tuple(value) if isinstance(value, list) else value

    return [(column, comparable(column, value)) for column, value in row.items()]


async def _opened(url: str, vault_key: bytes) -> dict[str, dict[str, str]]:
    engine = make_engine(url, "intake")
    vault, found = Vault(vault_key, PostgresKeys(engine)), dict[str, dict[str, str]]()
    query = text("SELECT gemeente, correlation, data FROM intake.events WHERE type = :type")
    async with engine.connect() as connection:
        rows = (await connection.execute(query, {"type": SubmissionAccepted.type})).all()
    for row in rows:
        statement = json.loads(row.data)["statement"]
        sealed = {name: value for name, value in statement.items() if str(value).startswith(SEALED)}
        try:
            found[row.correlation] = await vault.unseal(row.gemeente, statement["family"], sealed, row.correlation)
        except VaultError as error:
            found[row.correlation] = {"": str(error)}
    await engine.dispose()
    return found


async def _broken(url: str, service: str) -> Any:
    engine = make_engine(url, service)
    ledger = PostgresLedger(engine, service)
    try:
        async with ledger.begin() as tx:
            gemeenten = sorted(await ledger.sizes(tx))
        for gemeente in gemeenten:
            try:
                await verify(ledger, gemeente)
            except BrokenLedger as error:
                yield str(error)
    finally:
        await engine.dispose()


async def answers(bootstrap: str, partners: Sequence[str]) -> dict[str, list[Answer]]:
    """Every record of each partner's topic of answers, in the order in which the partner gets them."""
    return {partner: list(map(_answer, await _records(bootstrap, f"answers.{partner}"))) for partner in partners}


async def unsigned(bootstrap: str, partners: Sequence[str]) -> int:
    """How many records the partners' own topics hold that nobody signed."""
    sent = [record for partner in partners for record in await _records(bootstrap, f"submissions.{partner}")]
    return sum("signature" not in dict(record.headers) for record in sent)


async def _records(bootstrap: str, topic: str) -> list[Any]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    found: list[Any] = []
    try:
        cluster = await consumer._client.fetch_all_metadata()
        partitions = [TopicPartition(topic, number) for number in sorted(cluster.partitions_for_topic(topic))]
        consumer.assign(partitions)
        for partition, end in (await consumer.end_offsets(partitions)).items():
            consumer.seek(partition, 0)
            while await consumer.position(partition) < end:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found += records
    finally:
        await consumer.stop()
    return found


def _answer(record: Any) -> Answer:
    headers = {key: value.decode() for key, value in record.headers}
    return Answer(headers["ce_id"], _short(headers["ce_type"]), headers["ce_subject"], record.value)


def _short(type: str) -> str:
    return type.removeprefix(f"{NAMESPACE}submission.").removesuffix(".v1")
