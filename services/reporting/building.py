"""One ledger folded into a generation under way: raw rows in, verified against the ledger's head, tables out.

Every CHECKPOINT events the rows, how far they are, and the Merkle tree so far are committed together, so that a build
goes on where a kill stopped it; once more near the end, so that little is left to write when all has been read. Memory
holds the rows of at most KEPT_ROWS segments and what two checkpoints touch.
What PostgreSQL has to do (read on, write, hold the audit trail against the ledger) it does while the fold goes on.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from operator import itemgetter

from eventlog.blame import reason_of
from eventlog.errors import BrokenLedger
from eventlog.ledger import LedgerId
from eventlog.merkle import Frontier
from schemas.case import CaseFact
from schemas.programme import Programmes
from services.reporting.bulk import Bulk, Held, changes_of
from services.reporting.decoding import NotDecoded, decode_fact
from services.reporting.folding import FoldError, fold
from services.reporting.raw_ledger import RawLedger, Row, day
from services.reporting.reader import age_bands
from services.reporting.working_set import WorkingSet

AT_ONCE = 1000
CHECKPOINT = 100_000
KEPT_ROWS = 150_000
_IS_AS_RECORDED = itemgetter(-1)


@dataclass(frozen=True, slots=True)
class Built:
    """`events` were read in this run; `root` is that of the whole ledger as it was at the end."""

    ledger: LedgerId
    events: int
    root: bytes


Went = Callable[[int], None]
"""(position), after each batch; raises to stop."""


class LedgerBuild:
    """Goes from where the generation is in this ledger to `target`."""

    def __init__(self, ledger: RawLedger, bulk: Bulk, programmes: Programmes, went: Went, *, mends_trail: bool) -> None:
        self._ledger, self._bulk, self._went, self._mends_trail = ledger, bulk, went, mends_trail
        self._age_band = age_bands(programmes)
        self._rows = WorkingSet(ledger.ledger.gemeente)
        self._in_memory: set[str] | None = None
        """The cases whose rows are here; None while everything ever written is."""
        self._held: list[Held] = []
        self._blocked: set[str] = set()
        self._writing: asyncio.Task[None] | None = None

    async def run(self, target: int, checkpoint: int = CHECKPOINT) -> Built:
        start, begun, audited = await self._bulk.start()
        frontier = begun
        self._blocked = await self._bulk.blocked()
        if start:
            self._in_memory = set()
        written, position, audited = start, start, min(audited, start)
        near_the_end = target - checkpoint // 5
        try:
            async with aclosing(self._ledger.batches(start, target, min(AT_ONCE, checkpoint))) as batches:
                async for rows in batches:
                    frontier = frontier.extend(self._ledger.leaf_hashes(rows))
                    await self._fold(rows)
                    if audited == position and all(map(_IS_AS_RECORDED, rows)):
                        audited = frontier.size
                    position = frontier.size
                    self._went(position)
                    if position - written >= checkpoint or written < near_the_end <= position or position == target:
                        # Not as far as the target before all is verified: a build that is stopped has still to be.
                        await self._begin_to_write(written, frontier, min(audited, target - 1))
                        written = position
            await self._written()
            root = await self._verify(frontier)
        except BaseException:
            if self._writing is not None:
                self._writing.cancel()  # Its connection is about to be closed.
                await asyncio.gather(self._writing, return_exceptions=True)
            raise
        if self._mends_trail:
            # Not before: the trail may be the last witness of what was changed in the ledger.
            await self._mend_trail(begun, audited, position, checkpoint)
        await self._bulk.mark_audited(position)
        return Built(self._ledger.ledger, position - start, root)

    async def _mend_trail(self, begun: Frontier, audited: int, position: int, checkpoint: int) -> None:
        if audited < begun.size and await self._read_on(Frontier(), begun.size) != begun:
            raise BrokenLedger(
                f"{self._ledger.ledger}: the first {begun.size} events are not what they were when this build read "
                "them: run `spoorboek verify`, which names what is wrong"
            )
        await self._bulk.end_trail(position)
        for after in range(audited, position, checkpoint):
            await self._bulk.put_trail_right(after, min(after + checkpoint, position))

    async def _fold(self, rows: Sequence[Row]) -> None:
        facts: list[tuple[CaseFact | NotDecoded, Row]] = []
        for row in rows:
            fact: CaseFact | NotDecoded | None
            try:
                fact = decode_fact(row[3], row[9])
            except NotDecoded as error:
                # Held when it is its turn: what came before it in its case is folded. Anew, because this one keeps
                # the frames it went through, and with them all rows.
                fact = NotDecoded(str(error))
            if fact is not None:
                facts.append((fact, row))
        if self._in_memory is not None:
            asked = {fact.case for fact, _ in facts if not isinstance(fact, NotDecoded)} - self._in_memory
            if asked:
                await self._written()
                await self._bulk.load(self._rows, asked)
                self._in_memory |= asked
        working_set, age_band, blocked = self._rows, self._age_band, self._blocked
        for fact, row in facts:
            if blocked and (row[10] or row[1]) in blocked:
                self._hold(row, None)
                continue
            if isinstance(fact, NotDecoded):
                self._hold(row, str(fact))
                continue
            try:
                fold(working_set, fact, day(row[4]), row[0], row[6], age_band)
            except LookupError as error:
                self._hold(row, str(error))

    def _hold(self, row: Row, why: str | None) -> None:
        """As a reader would: this event and all later ones of its case wait, the others go on."""
        case = row[10] or row[1]
        if case in self._blocked:
            why = None
        self._blocked.add(case)
        reason = "" if why is None else reason_of(FoldError(self._ledger.ledger, row[0], row[3], why))
        self._held.append(Held(row[0], case, row[3], reason))

    async def _begin_to_write(self, was: int, frontier: Frontier, audited: int) -> None:
        """What was changed since `was`, as it is now; what is folded meanwhile is of the next time."""
        await self._written()
        changes = changes_of(self._rows)
        self._writing = asyncio.create_task(self._bulk.write(changes, self._held, was, frontier, audited))
        self._rows.written()
        self._held = []
        if len(self._rows.segments) > KEPT_ROWS:
            self._rows = WorkingSet(self._ledger.ledger.gemeente)
            self._in_memory = set()

    async def _written(self) -> None:
        """Returns when all that was begun to be written is."""
        if self._writing is not None:
            await self._writing

    async def _verify(self, frontier: Frontier) -> bytes:
        """Hold the root of the whole ledger against the head's."""
        head = await self._ledger.head()
        frontier = await self._read_on(frontier, head.size)
        if (frontier.size, frontier.root) != (head.size, head.root):
            raise BrokenLedger(
                f"{self._ledger.ledger}: the events read have root {frontier.root.hex()}, the head says "
                f"{head.root.hex()}: run `spoorboek verify`, which names what is wrong"
            )
        return frontier.root

    async def _read_on(self, frontier: Frontier, up_to: int) -> Frontier:
        async with aclosing(self._ledger.batches(frontier.size, up_to, AT_ONCE)) as batches:
            async for rows in batches:
                frontier = frontier.extend(self._ledger.leaf_hashes(rows))
                self._went(frontier.size)
        return frontier
