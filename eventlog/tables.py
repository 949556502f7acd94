"""The tables every service keeps its ledgers and its readers' positions in, one PostgreSQL schema per service.

Writers may insert and read events, never change or delete them: a grant and a trigger, made by the migrations.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    func,
)


def events_table(service: str) -> Table:
    """The events of all ledgers of `service`; the unique constraint is the second guard of the version check."""
    return Table(
        "events",
        MetaData(),
        Column("gemeente", Text, primary_key=True),
        Column("position", BigInteger, primary_key=True, autoincrement=False),
        Column("stream", Text, nullable=False),
        Column("version", Integer, nullable=False),
        Column("type", Text, nullable=False),
        Column("occurred_on", Date, nullable=False),
        Column("recorded_at", DateTime(timezone=True), nullable=False),
        Column("partner", Text, nullable=False),
        Column("correlation", Text, nullable=False),
        Column("causation", Text, nullable=False),
        Column("data", LargeBinary, nullable=False),
        Column("case_id", Text, nullable=False),
        UniqueConstraint("gemeente", "stream", "version", name="one_event_per_version"),
        schema=service,
    )


RECORDED_COLUMNS = tuple(column.name for column in events_table("any").columns if column.name != "gemeente")
"""All but the first: in their order they make a `Recorded` of a ledger that is known."""


def heads_table(service: str) -> Table:
    """One row per ledger: its size, the frontier and root of its tree. Its lock is what gives the ledger its order."""
    return Table(
        "heads",
        MetaData(),
        Column("gemeente", Text, primary_key=True),
        Column("size", BigInteger, nullable=False),
        Column("frontier", LargeBinary, nullable=False),
        Column("root", LargeBinary, nullable=False),
        Column("recorded_at", DateTime(timezone=True), nullable=False),
        schema=service,
    )


def readers_table(service: str) -> Table:
    """How far each reader of `service` is in each ledger it follows, and whether it left anything in quarantine."""
    return Table(
        "readers",
        MetaData(),
        Column("reader", Text, primary_key=True),
        Column("ledger", Text, primary_key=True),
        Column("position", BigInteger, nullable=False),
        Column("held", Boolean, nullable=False, server_default="false"),
        schema=service,
    )


def quarantine_table(service: str) -> Table:
    """The events that a reader of `service` could not take, and those of the same case that wait behind them."""
    return Table(
        "quarantine",
        MetaData(),
        Column("reader", Text, primary_key=True),
        Column("ledger", Text, primary_key=True),
        Column("position", BigInteger, primary_key=True, autoincrement=False),
        Column("case_id", Text, nullable=False),
        Column("type", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("held_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        schema=service,
    )
