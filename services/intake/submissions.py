"""The one way in, behind every door: judge, protect, append once, and say what became of it."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import assert_never
from zoneinfo import ZoneInfo

import structlog

from eventlog.errors import VersionConflict
from eventlog.ledger import Append, Ledger, NewEvent, Recorded
from eventlog.vault import Vault
from eventlog.writer import Writer
from schemas.event import Event
from schemas.submission import SubmissionAccepted, SubmissionContested, SubmissionRejected
from services.intake.cloudevent import CloudEvent
from services.intake.content import canonical
from services.intake.fate import Fate, evolve, fold, stream_of
from services.intake.gate import Accepted, Identity, KnownProgrammes, Rejected, Unattributable, Verdict, judge
from services.intake.partner import Partner
from services.intake.protection import is_personal, protect, subject_of

AMSTERDAM = ZoneInfo("Europe/Amsterdam")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Contested:
    """This source and id were used before for other content. The first outcome stands; this content has no effect."""

    fate: Fate


Outcome = Fate | Contested | Unattributable


@dataclass(frozen=True, slots=True)
class _Judged:
    """A submission on its way to its stream, with the event that is to be the first there."""

    partner: Partner
    identity: Identity
    content: str
    first: NewEvent

    @property
    def stream(self) -> str:
        return stream_of(self.identity.submission)


class Submissions:
    """Takes submissions of every partner. The same submission twice has one effect and one outcome."""

    def __init__(
        self,
        ledger: Ledger,
        writer: Writer,
        vault: Vault,
        programmes: KnownProgrammes,
        clock: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._writer = writer
        self._vault = vault
        self._programmes = programmes
        self._clock = clock

    def today(self) -> date:
        return self._clock().astimezone(AMSTERDAM).date()

    async def submit(self, partner: Partner, event: CloudEvent) -> Outcome:
        """The outcome, once it is durable. A database that is away raises its error and nothing is taken."""
        (outcome,) = await self.submit_many([(partner, event)])
        return outcome

    async def submit_many(self, sent: Sequence[tuple[Partner, CloudEvent]]) -> list[Outcome]:
        """The outcome of each, in order; the ledger gets them in this order too.

        What comes first is recorded first, because a statement may build on the one before it.
        """
        today = self.today()
        verdicts = [judge(partner, event, today, self._programmes) for partner, event in sent]
        await self._prepare(zip(sent, verdicts, strict=True))
        judged = [
            await self._protected(partner, event, verdict)
            for (partner, event), verdict in zip(sent, verdicts, strict=True)
        ]
        begun = [one for one in judged if isinstance(one, _Judged)]
        # All of them wait for the writer before it commits: one transaction takes many.
        recorded = await asyncio.gather(*(self._append(one, 0, one.first) for one in begun), return_exceptions=True)
        for outcome in recorded:
            if isinstance(outcome, BaseException) and not isinstance(outcome, VersionConflict):
                raise outcome
        there = await self._fates(
            one for one, outcome in zip(begun, recorded, strict=True) if isinstance(outcome, VersionConflict)
        )
        appended = iter(recorded)
        outcomes: list[Outcome] = []
        for one in judged:
            if isinstance(one, Unattributable):
                outcomes.append(one)
            elif isinstance(fresh := next(appended), list):
                outcomes.append(evolve(None, fresh[0]))
            else:
                outcomes.append(await self._compare(one, there[one.stream]))
        return outcomes

    async def find(self, gemeente: str, submission: str) -> Fate | None:
        stream = stream_of(submission)
        async with self._ledger.begin() as tx:
            return fold((await self._ledger.read_streams(tx, gemeente, [stream]))[stream])

    async def _prepare(self, judged: Iterable[tuple[tuple[Partner, CloudEvent], Verdict]]) -> None:
        """Fetch or make the keys of all families of a batch at once: one by one they are what a batch waits for."""
        families: dict[str, set[str]] = {}
        for (partner, _), verdict in judged:
            if isinstance(verdict, Accepted) and is_personal(verdict.statement):
                family = subject_of(self._vault, partner.gemeente, verdict.statement)
                families.setdefault(partner.gemeente, set()).add(family)
        for gemeente, subjects in families.items():
            await self._vault.prepare(gemeente, subjects)

    async def _protected(self, partner: Partner, event: CloudEvent, verdict: Verdict) -> _Judged | Unattributable:
        if isinstance(verdict, Unattributable):
            return verdict
        identity, content = verdict.identity, self._vault.digest(partner.gemeente, canonical(event))
        said = {"submission": identity.submission, "source": identity.source, "id": identity.id, "content": content}
        match verdict:
            case Accepted(statement=statement):
                kept = await protect(self._vault, partner.gemeente, identity.submission, statement)
                accepted = SubmissionAccepted(statement_type=statement.type, statement=kept, **said)
                first = _new(partner, identity, accepted, statement.occurred_on, kept["case"])
                return _Judged(partner, identity, content, first)
            case Rejected(errors=errors):
                rejected = SubmissionRejected(errors=errors, **said)
                return _Judged(partner, identity, content, _new(partner, identity, rejected, self.today()))
            case _:
                assert_never(verdict)

    async def _compare(self, judged: _Judged, fate: Fate) -> Outcome:
        """The stream was there: the same content gets its outcome, other content is contested, once."""
        while judged.content != fate.content:
            if judged.content in fate.contested:
                return Contested(fate)
            identity = judged.identity
            contested = SubmissionContested(
                submission=identity.submission, source=identity.source, id=identity.id, content=judged.content
            )
            event = _new(judged.partner, identity, contested, self.today())
            try:
                (recorded,) = await self._append(judged, fate.version, event)
                return Contested(evolve(fate, recorded))
            except VersionConflict:
                # Casework's outcome, or another sender of this id, came in between.
                fate = (await self._fates([judged]))[judged.stream]
        return fate

    async def _fates(self, repeated: Iterable[_Judged]) -> dict[str, Fate]:
        """The fates of streams that exist, read in one go for each gemeente."""
        streams: defaultdict[str, set[str]] = defaultdict(set)
        for one in repeated:
            streams[one.partner.gemeente].add(one.stream)
        fates: dict[str, Fate] = {}
        for gemeente, asked in streams.items():
            async with self._ledger.begin() as tx:
                found = await self._ledger.read_streams(tx, gemeente, sorted(asked))
            fates |= {stream: fate for stream, events in found.items() if (fate := fold(events)) is not None}
        return fates

    async def _append(self, judged: _Judged, expected_version: int, event: NewEvent) -> list[Recorded]:
        append = Append(judged.stream, expected_version, (event,))
        recorded = await self._writer.append(judged.partner.gemeente, append)
        for one in recorded:
            log.debug(
                "submission recorded",
                position=one.position,
                stream=one.stream,
                type=one.type,
                correlation_id=one.correlation,
                partner=one.partner,
            )
        return recorded


def _new(partner: Partner, identity: Identity, event: Event, occurred_on: date, case: str = "") -> NewEvent:
    """Partners' own text stays out of the envelope: what caused the event is the submission itself."""
    return NewEvent(
        type=event.type,
        data=event.encode(),
        occurred_on=occurred_on,
        partner=partner.id,
        correlation=identity.submission,
        causation=identity.submission,
        case=case,
    )
