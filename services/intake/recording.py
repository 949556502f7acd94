"""What was judged goes into the ledger: each submission once, and what else came under its id, up to a limit."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import structlog

from eventlog.errors import VersionConflict
from eventlog.ledger import Append, Ledger, NewEvent, Recorded
from eventlog.writer import Writer
from schemas.event import Event
from schemas.submission import SubmissionContested
from services.intake.fate import Fate, evolve, fold, stream_of
from services.intake.gate import Identity
from services.intake.partner import Partner

MOST_CONTESTED = 20
"""So many other contents are recorded of one id: it is clear by then, and a sender with a constant id has no end."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Contested:
    """This source and id were used before for other content. The first outcome stands; this content has no effect."""

    fate: Fate


@dataclass(frozen=True, slots=True)
class Judged:
    """A submission on its way to its stream, with the event that is to be the first there."""

    partner: Partner
    identity: Identity
    content: str
    first: NewEvent

    @property
    def stream(self) -> str:
        return stream_of(self.identity.submission)


class Recording:
    """Of one installation. What comes first is recorded first, because a statement may build on the one before it."""

    def __init__(self, ledger: Ledger, writer: Writer) -> None:
        self._ledger = ledger
        self._writer = writer

    async def record(self, judged: Sequence[Judged], today: date) -> list[Fate | Contested]:
        """The outcome of each, in order. One transaction of the writer takes many."""
        first: dict[str, Judged] = {}
        for one in judged:
            first.setdefault(one.stream, one)
        recorded = await asyncio.gather(
            *(self._append(one, 0, (one.first,)) for one in first.values()), return_exceptions=True
        )
        fates: dict[str, Fate] = {}
        for stream, outcome in zip(first, recorded, strict=True):
            if isinstance(outcome, list):
                fates[stream] = evolve(None, outcome[0])
            elif not isinstance(outcome, VersionConflict):
                raise outcome
        fates |= await self._fates(one for stream, one in first.items() if stream not in fates)
        others: defaultdict[str, list[Judged]] = defaultdict(list)
        for one in judged:
            if one.content != fates[one.stream].content:
                others[one.stream].append(one)
        for stream, contests in others.items():
            await self._contest(contests, fates[stream], today)
        return [fate if one.content == (fate := fates[one.stream]).content else Contested(fate) for one in judged]

    async def _contest(self, contests: Sequence[Judged], fate: Fate, today: date) -> None:
        """Record each other content under one id once, all in one go, until there are enough of them."""
        one = contests[0]
        while new := _not_yet(contests, fate):
            try:
                await self._append(one, fate.version, [_contested(one, content, today) for content in new])
                return
            except VersionConflict:
                # Casework's outcome, or another sender of this id, came in between.
                fate = (await self._fates([one]))[one.stream]

    async def _fates(self, repeated: Iterable[Judged]) -> dict[str, Fate]:
        """The fates of streams that exist, read in one go for each gemeente."""
        streams: defaultdict[str, set[str]] = defaultdict(set)
        for one in repeated:
            streams[one.partner.gemeente].add(one.stream)
        fates: dict[str, Fate] = {}
        for gemeente, asked in streams.items():
            async with self._ledger.asking() as tx:
                found = await self._ledger.read_streams(tx, gemeente, sorted(asked))
            fates |= {stream: fate for stream, events in found.items() if (fate := fold(events)) is not None}
        return fates

    async def _append(self, judged: Judged, expected_version: int, events: Sequence[NewEvent]) -> list[Recorded]:
        append = Append(judged.stream, expected_version, tuple(events))
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


def new_event(partner: Partner, identity: Identity, event: Event, occurred_on: date, case: str = "") -> NewEvent:
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


def _not_yet(contests: Sequence[Judged], fate: Fate) -> list[str]:
    """The contents that the stream does not have, each once, as many as it may still get."""
    new = dict.fromkeys(one.content for one in contests if one.content not in fate.contested)
    return list(new)[: max(0, MOST_CONTESTED - len(fate.contested))]


def _contested(judged: Judged, content: str, today: date) -> NewEvent:
    identity = judged.identity
    event = SubmissionContested(submission=identity.submission, source=identity.source, id=identity.id, content=content)
    return new_event(judged.partner, identity, event, today)
