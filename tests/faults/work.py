"""The submissions of a round: several gemeenten, every case in its own order, and some that the gate rejects."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from schemas.programme import Programmes
from schemas.submission import submission_id
from services.demonstration.load import write_load
from services.demonstration.senders import Sender, senders_of
from services.submitting import read_lines

YEARS = (2021, 2022, 2023)
REJECTED_EVERY = 40

Event = dict[str, Any]


@dataclass(frozen=True)
class Work:
    """`cases` holds each case's events in the order in which its partners state them."""

    folder: Path
    programmes: Programmes
    cases: tuple[tuple[Event, ...], ...]
    senders: Mapping[str, Sender]

    @property
    def events(self) -> Iterator[Event]:
        for case in self.cases:
            yield from case

    def sender(self, event: Event) -> Sender:
        return self.senders[event["source"]]


def name(event: Event) -> str:
    """The submission's id."""
    return submission_id(event["source"], event["id"])


def make_work(folder: Path, seed: int, gemeenten: int, cases: int) -> Work:
    """`cases` for each of `gemeenten`, with their programmes and partners under `folder`."""
    write_load(folder, gemeenten, cases, seed)
    programmes = Programmes.load(folder / "programmes")
    by_case: dict[str, list[Event]] = {}
    with (folder / "submissions.jsonl").open("rb") as lines:
        for event in read_lines(lines):
            by_case.setdefault(event["data"]["case"], []).append(event)
    random = Random(f"work {seed}")
    lives = [tuple(_with_rejected(random, life)) for life in by_case.values()]
    random.shuffle(lives)
    senders = {
        sender.source: sender
        for programme in programmes
        for sender in senders_of(programme.gemeente, programme.id, programme.gemeente.lower()).values()
    }
    return Work(folder, programmes, tuple(lives), senders)


def other_content(event: Event) -> Event:
    """The same source and id for something else: the gate contests it."""
    return event | {"data": event["data"] | {"occurredOn": "2020-02-02"}}


def _with_rejected(random: Random, life: list[Event]) -> Iterator[Event]:
    for event in life:
        if random.randrange(REJECTED_EVERY) == 0:
            yield event | {"id": f"{event['id']}-toekomst", "data": event["data"] | {"occurredOn": "2999-01-01"}}
        yield event
