"""What must hold after every round, whatever was killed in it; each rule names the submissions that break it."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.faults.observing import Answer, Kept
from tests.faults.sending import Seen

_FIRST = {"accepted", "rejected"}
_LAST = {"applied", "refused"}


@dataclass(frozen=True)
class Round:
    """An undisturbed run of the submissions, the disturbed one, and what its partners saw."""

    calm: Kept
    kept: Kept
    seen: Seen


def one_outcome(held: Round) -> Iterator[str]:
    """Accepted or rejected once, then applied or refused once, as without faults; and GET says so."""
    for submission, (status, _) in held.calm.told.items():
        stream = [kind for kind in held.kept.streams.get(submission, []) if kind != "contested"]
        if stream != held.calm.streams[submission]:
            yield f"{submission}: {stream} in its stream, {held.calm.streams[submission]} without faults"
        if held.kept.told.get(submission, ("unknown", ""))[0] != status:
            yield f"{submission}: GET says {held.kept.told.get(submission)}, {status} without faults"
        if (reasons := held.kept.reasons.get(submission)) != held.calm.reasons.get(submission):
            yield f"{submission}: for {reasons}, without faults for {held.calm.reasons.get(submission)}"
        decided = held.kept.decided.get(submission, [])
        if decided != [kind for kind in stream if kind in _LAST] or len(stream) != 1 + len(decided):
            yield f"{submission}: casework decided {decided}"
    if stray := held.kept.streams.keys() - held.calm.streams.keys():
        yield f"nobody sent {sorted(stray)[:3]}"


def taken_is_kept(held: Round) -> Iterator[str]:
    """What a partner was once told stays so: taken at one moment, and known ever after."""
    yield from held.seen.wrong
    for submission, moments in held.seen.received.items():
        if moments != {held.kept.told.get(submission, ("", ""))[1]}:
            yield f"{submission}: taken at {sorted(moments)}, and now it says {held.kept.told.get(submission)}"


def every_event_once(held: Round) -> Iterator[str]:
    """The projection has the ledger's facts, byte for byte, no more and no fewer."""
    ledger, projected = Counter(held.kept.facts), Counter(held.kept.projected)
    yield from (f"not projected: {row[:4]}" for row in ledger - projected)
    yield from (f"projected and not in the ledger: {row[:4]}" for row in projected - ledger)


def ledgers_hold(held: Round) -> Iterator[str]:
    """Positions without gaps, versions without gaps, and the root that the head says."""
    yield from held.kept.broken


def sealed_opens(held: Round) -> Iterator[str]:
    """What was sealed of the people in it opens with the keys that were kept, to what was sent."""
    for submission, plain in held.calm.opened.items():
        if held.kept.opened.get(submission) != plain:
            why = held.kept.opened.get(submission, {}).get("", "it opens to something else, or was never sealed")
            yield f"{submission}: {why}"


def same_rows(held: Round) -> Iterator[str]:
    for table, rows in held.calm.rows.items():
        calm, kept = Counter(rows), Counter(held.kept.rows.get(table, []))
        yield from (f"{table}: missing {row[:3]}" for row in calm - kept)
        yield from (f"{table}: {row[:3]} is not so without faults" for row in kept - calm)


def same_figures(held: Round) -> Iterator[str]:
    for figure, value in held.calm.figures.items():
        if held.kept.figures.get(figure) != value:
            yield f"{figure}: {held.kept.figures.get(figure)}, {value} without faults"


def every_answer_delivered(held: Round) -> Iterator[str]:
    """Each partner gets the stream of each submission, in order; a record may come again, but only as it was."""
    told: dict[str, list[Answer]] = {}
    for answers in held.kept.answers.values():
        first: dict[str, Answer] = {}
        for answer in answers:
            if first.setdefault(answer.id, answer) != answer:
                yield f"{answer.id}: told twice, and not the same"
        for answer in first.values():
            told.setdefault(answer.submission, []).append(answer)
    for submission, stream in held.kept.streams.items():
        if (heard := [answer.type for answer in told.get(submission, [])]) != stream:
            yield f"{submission}: the partner heard {heard}, its stream is {stream}"


def parked_once(held: Round) -> Iterator[str]:
    """A record that nobody signed is nobody's submission; it is kept, once, for someone to look at."""
    if held.kept.parked != held.kept.unsigned:
        yield f"{held.kept.unsigned} records were not signed, {held.kept.parked} are parked"


PROPERTIES: dict[str, Callable[[Round], Iterator[str]]] = {
    "one outcome for each submission": one_outcome,
    "what was taken stays taken": taken_is_kept,
    "every event once in the projection": every_event_once,
    "gapless ledgers that verify": ledgers_hold,
    "what was sealed opens": sealed_opens,
    "rows as without faults": same_rows,
    "figures as without faults": same_figures,
    "every answer delivered in order": every_answer_delivered,
    "what nobody signed is parked once": parked_once,
}


def violations(held: Round) -> list[str]:
    return [f"{name}: {found}" for name, rule in PROPERTIES.items() for found in rule(held)]
