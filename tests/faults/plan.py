"""Which fault comes when: a seeded plan, the same for the same seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Literal

Kind = Literal[
    "kill",
    "pause",
    "stop",
    "second",
    "cut",
    "slow",
    "hold",
    "full",
    "lose",
    "replay",
    "rollback",
    "forget",
    "refuse",
    "redrive",
]

SERVICES = ("intake", "casework", "reporting")
TARGETS = (*SERVICES, "broker", "database")
LINES = ("broker", "database", "door")
# A broker that was killed needs some twelve seconds before its clients go on: killed as often as the others it
# would be away all the time, and nothing would be at work when the others are killed.
_KILLED = {"intake": 6, "casework": 6, "reporting": 6, "database": 3, "broker": 1}
_KINDS: dict[Kind, int] = {
    "kill": 70,
    "pause": 10,
    "stop": 6,
    "second": 5,
    "cut": 4,
    "slow": 3,
    "hold": 2,
    "lose": 1,
    "replay": 6,
    "rollback": 1,
    "forget": 2,
    "refuse": 3,
    "redrive": 4,
}
_LONGEST_LIFE_SECONDS = 4.0
_LONGEST_SECONDS: dict[Kind, float] = {
    "kill": 1.5,
    "stop": 1.0,
    "pause": 5.0,
    "second": 8.0,
    "hold": 5.0,
    "replay": 6.0,
    "redrive": 6.0,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """`wait_seconds` after the one before, `kind` befalls the targets for `seconds`: two of a pair, none of a replay.
    Of a service that is to `lose` something it is the topic of its events; casework may `forget` a programme, the facts
    may `refuse` rows, and one of these two be told to `redrive` what it held of that.

    Most kills pass over a target that has not been at work for `lived_seconds`: who only ever starts has nothing under
    way to lose.
    """

    kind: Kind
    targets: tuple[str, ...]
    wait_seconds: float
    seconds: float
    lived_seconds: float | None = None


def plan(seed: int, mean_wait_seconds: float) -> Iterator[Fault]:
    """Without end. First each target once, so that a short run misses none, one service told to stop, one topic
    lost, and some cases held by two readers; then by chance, one kill in five a pair.
    """
    random = Random(f"faults {seed}")
    first = [*TARGETS]
    random.shuffle(first)
    for target in first:
        yield Fault("kill", (target,), _wait(random, mean_wait_seconds), random.uniform(0, 1))
    for kind in ("stop", "lose", "forget", "refuse"):
        yield Fault(kind, _targets(random, kind), _wait(random, mean_wait_seconds), _seconds(random, kind))
    while True:
        (kind,) = random.choices(list(_KINDS), list(_KINDS.values()))
        wait, seconds = _wait(random, mean_wait_seconds), _seconds(random, kind)
        lived = None if random.random() < 0.25 else random.uniform(0, _LONGEST_LIFE_SECONDS)
        yield Fault(kind, _targets(random, kind), wait, seconds, lived)


def _wait(random: Random, mean_seconds: float) -> float:
    return random.uniform(0.1, 1.9) * mean_seconds


def _targets(random: Random, kind: Kind) -> tuple[str, ...]:
    if kind in ("stop", "second"):
        return (random.choice(SERVICES),)
    if kind == "lose":
        return (random.choice(("intake", "casework")),)
    if kind in ("replay", "rollback"):
        return ()
    if kind in ("forget", "refuse", "redrive"):
        return {"forget": ("casework",), "refuse": ("reporting",)}.get(kind) or (random.choice(SERVICES[1:]),)
    if kind in ("cut", "slow", "hold"):
        return (random.choice(LINES),)
    one = random.choices(list(_KILLED), list(_KILLED.values()))[0]
    if kind == "kill" and random.random() < 0.2:
        return one, random.choice([target for target in TARGETS if target != one])
    return (one,)


def _seconds(random: Random, kind: Kind) -> float:
    longest = _LONGEST_SECONDS.get(kind, 3.0)
    return random.uniform(0.05, longest)
