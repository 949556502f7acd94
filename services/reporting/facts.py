"""The facts tables, of which there are generations: one is live, the next is built beside it (see rebuild.py)."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
)

FACTS = MetaData(schema="facts")
"""The schema name "facts" is a placeholder: a connection translates it to the generation it works on."""

SEGMENTS = Table(
    "segments",
    FACTS,
    Column("gemeente", Text, primary_key=True),
    Column("case_id", Text, primary_key=True),
    Column("segment", Integer, primary_key=True),
    Column("programme", Text, nullable=False),
    Column("family", Text, nullable=False),
    Column("youth", Text),
    Column("partner", Text, nullable=False),
    Column("area", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("help_question", Text, nullable=False),
    Column("age_years", Integer, nullable=False),
    Column("age_band", Text),
    Column("case_type", Text, nullable=False),
    Column("opened_on", Date, nullable=False),
    Column("closed_on", Date),
    Column("reason", Text),
    Column("outcome", Text),
    Column("referred_to", ARRAY(Text), nullable=False),
    Column("first_contact_on", Date),
    Column("minutes", Integer, nullable=False),
    Column("contacts", Integer, nullable=False),
    Column("voided", Boolean, nullable=False),
    Column("synthetic", Boolean, nullable=False),
    Column("opened_position", BigInteger, nullable=False),
    Column("last_position", BigInteger, nullable=False),
    # Not by gemeente: before statistics are taken, a case would be looked for in the smallest index that begins so.
    Index("segments_by_opening", "programme", "opened_on"),
    Index("segments_by_closing", "programme", "closed_on"),
)

REFERRALS = Table(
    "consulent_referrals",
    FACTS,
    Column("gemeente", Text, primary_key=True),
    Column("case_id", Text, primary_key=True),
    Column("referral", Text, primary_key=True),
    Column("segment", Integer, nullable=False),
    Column("referred_on", Date, nullable=False),
    Column("answered_on", Date),
    Column("answer", Text),
    Column("last_position", BigInteger, nullable=False),
)


@dataclass(slots=True)
class Segment:
    """One stretch of support, opened … closed. `synthetic`: a synthetic partner stated something about it.

    The fold changes it in place: a rebuild makes as many changes as there are events.
    """

    gemeente: str
    case_id: str
    segment: int
    programme: str
    family: str
    youth: str | None
    partner: str
    area: str
    channel: str
    help_question: str
    age_years: int
    age_band: str | None
    case_type: str
    opened_on: date
    closed_on: date | None
    reason: str | None
    outcome: str | None
    referred_to: tuple[str, ...]
    first_contact_on: date | None
    minutes: int
    contacts: int
    voided: bool
    synthetic: bool
    opened_position: int
    last_position: int


@dataclass(slots=True)
class Referral:
    """One question to the gemeente's consulent, and its answer."""

    gemeente: str
    case_id: str
    referral: str
    segment: int
    referred_on: date
    answered_on: date | None
    answer: str | None
    last_position: int
