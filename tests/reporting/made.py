"""Made-up histories of cases: the facts casework would have written, and the ledger that holds them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from eventlog.ledger import Append, LedgerId, NewEvent, Recorded
from eventlog.positions import Positions
from eventlog.postgres import PostgresLedger
from eventlog.quarantine import Quarantine
from eventlog.reader import Follower, LedgerSource
from eventlog.tables import readers_table
from schemas.case import (
    CaseClassified,
    CaseClosed,
    CaseContactLogged,
    CaseCorrected,
    CaseFact,
    CaseFirstContactMade,
    CaseOpened,
    CaseReopened,
    CaseVoided,
    ConsulentAnswered,
    ReferredToConsulent,
)
from schemas.programme import PUBLISHED, Programmes
from services.reporting.reader import FactsReader
from tests.eventlog.making import catch_up

PROGRAMMES = Programmes.load(PUBLISHED)
PROGRAMME = next(programme for programme in PROGRAMMES if programme.id == "gezinscoaches-venray")
GEMEENTE = "GM0984"
COACHES = "synthetic-synthese"


def pseudonym(reference: str) -> str:
    return sha256(reference.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Told:
    """A fact, the day it happened, and who said so."""

    fact: CaseFact
    on: date
    partner: str = COACHES


class CaseStory:
    """The facts of one case, said as a story: `CaseStory("a").opened(day).closed(day)`."""

    def __init__(self, reference: str, partner: str = COACHES, programme: str = PROGRAMME.id) -> None:
        self.case = pseudonym(f"case {reference}")
        self.family = pseudonym(f"family {reference}")
        self.segment = 0
        self.partner, self.programme = partner, programme
        self.told: list[Told] = []

    def _tell(self, kind: type[Any], on: date, **said: Any) -> "CaseStory":
        fact = kind(programme=self.programme, case=self.case, segment=self.segment, **said)
        self.told.append(Told(fact, on, self.partner))
        return self

    def opened(self, on: date, **said: Any) -> "CaseStory":
        defaults: dict[str, Any] = {"age_years": 7, "area": "wijk-a", "channel": "direct"}
        defaults |= {"help_question": "parenting", "case_type": "regular"}
        self.segment += 1
        if self.segment == 1:
            return self._tell(CaseOpened, on, family=self.family, **defaults | said)
        return self._tell(CaseReopened, on, **defaults | said)

    def first_contact(self, on: date) -> "CaseStory":
        return self._tell(CaseFirstContactMade, on)

    def contact(self, on: date, minutes: int) -> "CaseStory":
        return self._tell(CaseContactLogged, on, contact=pseudonym(f"contact {len(self.told)}"), minutes=minutes)

    def classified(self, on: date, case_type: str) -> "CaseStory":
        return self._tell(CaseClassified, on, case_type=case_type)

    def referred(self, on: date, referral: str = "r1") -> "CaseStory":
        return self._tell(ReferredToConsulent, on, referral=pseudonym(referral))

    def answered(self, on: date, answer: str = "advised", referral: str = "r1") -> "CaseStory":
        return self._tell(ConsulentAnswered, on, referral=pseudonym(referral), answer=answer)

    def closed(self, on: date, reason: str = "as-planned", referred_to: tuple[str, ...] = ()) -> "CaseStory":
        return self._tell(CaseClosed, on, reason=reason, outcome="goals-met", referred_to=referred_to)

    def corrected(self, on: date, **said: Any) -> "CaseStory":
        return self._tell(CaseCorrected, on, **said)

    def voided(self, on: date) -> "CaseStory":
        return self._tell(CaseVoided, on, reason="registered-by-mistake")


def as_appends(story: CaseStory, after: int = 0) -> Append:
    events = tuple(
        NewEvent(told.fact.type, told.fact.encode(), told.on, told.partner, "correlation", "causation", story.case)
        for told in story.told[after:]
    )
    return Append(f"case-{story.case}", after, events)


def recorded(story: CaseStory, first_position: int = 1) -> list[Recorded]:
    """The story as a reader gets it, without a database."""
    from datetime import UTC, datetime

    return [
        Recorded(
            ledger=LedgerId("casework", GEMEENTE),
            position=first_position + number,
            stream=f"case-{story.case}",
            version=number + 1,
            type=told.fact.type,
            occurred_on=told.on,
            recorded_at=datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=number),
            partner=told.partner,
            correlation="correlation",
            causation="causation",
            data=told.fact.encode(),
            case=story.case,
        )
        for number, told in enumerate(story.told)
    ]


def quietly(ledger: LedgerId, done: int, to_do: int) -> None:
    """Progress that nobody watches."""


class Casework:
    """A casework ledger in PostgreSQL, written by casework, and the reader of reporting that follows it."""

    def __init__(self, writing: AsyncEngine, engine: AsyncEngine) -> None:
        self.engine = engine
        self.ledger = PostgresLedger(writing, "casework")
        self.source = LedgerSource(PostgresLedger(engine, "casework"))
        self.reader = FactsReader(PROGRAMMES)
        self._follower = Follower(
            self.reader, Positions(engine, "reporting"), self.source, quarantine=Quarantine("reporting")
        )
        self._written: Counter[tuple[str, str]] = Counter()

    async def writes(self, stories: Iterable[CaseStory], gemeente: str = GEMEENTE) -> None:
        """What is new of `stories`."""
        appends = [as_appends(story, self._written[gemeente, story.case]) for story in stories]
        appends = [append for append in appends if append.events]
        async with self.ledger.begin() as tx:
            outcomes = await self.ledger.append(tx, gemeente, appends)
        assert all(isinstance(outcome, list) for outcome in outcomes)
        for append in appends:
            self._written[gemeente, append.events[0].case] += len(append.events)

    async def pretend_to_have_read(self, position: int) -> None:
        """The live reader stands at `position`, whatever it made of the events before."""
        async with self.engine.begin() as tx:
            row = {"reader": self.reader.name, "ledger": f"casework/{GEMEENTE}", "position": position}
            await tx.execute(insert(readers_table("reporting")).values(row))

    async def restart_reporting(self) -> None:
        async with self.engine.begin() as tx:
            await self.reader.start(tx)

    async def read_by_reporting(self, batch: int = 1000, gemeente: str = GEMEENTE) -> int:
        """As the bus would deliver, `batch` events at a time; the position reached."""
        ledger = LedgerId("casework", gemeente)
        if batch < 1000:
            reached = (await Positions(self.engine, "reporting").reached(self.reader.name)).get(str(ledger), 0)
            for event in range(reached, (await self.source.sizes())[GEMEENTE], batch):
                await self._follower.deliver(ledger, await self.source.read(GEMEENTE, event, batch))
        return await catch_up(self._follower, ledger)
