"""The one way in, behind every door: judge, protect, record once, and say what became of it."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import assert_never
from zoneinfo import ZoneInfo

from eventlog.ledger import Ledger
from eventlog.vault import Vault
from eventlog.writer import Writer
from schemas.submission import GateError, SubmissionAccepted, SubmissionRejected
from services.intake.addresses import PageAddresses
from services.intake.bindings import NotACloudEvent
from services.intake.cloudevent import CloudEvent
from services.intake.content import canonical
from services.intake.fate import Fate, fold, stream_of
from services.intake.gate import Accepted, KnownProgrammes, Rejected, Unattributable, Verdict, judge
from services.intake.pace import with_turns
from services.intake.partner import Partner
from services.intake.protection import is_personal, protect, subject_of
from services.intake.recording import Contested, Judged, Recording, new_event

AMSTERDAM = ZoneInfo("Europe/Amsterdam")

Outcome = Fate | Contested | Unattributable


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
        self._recording = Recording(ledger, writer)
        self._vault = vault
        self.pages = PageAddresses(vault)
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
        verdicts = [judge(partner, event, today, self._programmes) async for partner, event in with_turns(sent)]
        await self._prepare(zip(sent, verdicts, strict=True))
        judged = [
            await self._protected(partner, event, verdict)
            async for (partner, event), verdict in with_turns(zip(sent, verdicts, strict=True))
        ]
        outcomes = iter(await self._recording.record([one for one in judged if isinstance(one, Judged)], today))
        return [one if isinstance(one, Unattributable) else next(outcomes) for one in judged]

    def not_a_cloudevent(self, error: NotACloudEvent) -> Unattributable:
        """The outcome of what could not be read as an event."""
        return Unattributable((GateError(code="not-a-cloudevent", sentence=str(error)),))

    async def find(self, gemeente: str, submission: str) -> Fate | None:
        stream = stream_of(submission)
        async with self._ledger.asking() as tx:
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

    async def _protected(self, partner: Partner, event: CloudEvent, verdict: Verdict) -> Judged | Unattributable:
        if isinstance(verdict, Unattributable):
            return verdict
        identity, content = verdict.identity, self._vault.digest(partner.gemeente, canonical(event))
        said = {"submission": identity.submission, "source": identity.source, "id": identity.id, "content": content}
        match verdict:
            case Accepted(statement=statement):
                kept = await protect(self._vault, partner.gemeente, identity.submission, statement)
                accepted = SubmissionAccepted(statement_type=statement.type, statement=kept, **said)
                first = new_event(partner, identity, accepted, statement.occurred_on, kept["case"])
                return Judged(partner, identity, content, first)
            case Rejected(errors=errors):
                rejected = SubmissionRejected(errors=errors, **said)
                return Judged(partner, identity, content, new_event(partner, identity, rejected, self.today()))
            case _:
                assert_never(verdict)
