"""Each property of a round is seen to fail on a result that was tampered with, and holds on one that was not."""

from collections.abc import Callable
from copy import deepcopy
from typing import get_args

import pytest

from tests.faults.observing import Answer, Kept
from tests.faults.plan import TARGETS, Kind, plan
from tests.faults.properties import PROPERTIES, Round, violations
from tests.faults.sending import Seen

FACT = (("gemeente", "GM9001"), ("position", 1), ("version", 1), ("type", "case.opened"))


def held() -> Round:
    """Two submissions: one applied, one rejected; a partner repeated the first, and its answer came twice."""
    calm = Kept(
        streams={"a": ["accepted", "applied"], "b": ["rejected"]},
        decided={"a": ["applied"]},
        told={"a": ("applied", "09:00"), "b": ("rejected", "09:01")},
        reasons={"a": [None], "b": [None, "occurred-in-the-future"]},
        facts=[FACT],
        projected=[FACT],
        opened={"a": {"question": "synthetisch"}},
        rows={"segments": [(("case", "c"), ("minutes", 30))]},
        figures={"new 2023": [1, 1, None]},
    )
    kept = deepcopy(calm)
    kept.streams["a"] = ["accepted", "contested", "applied"]
    first = Answer("a/1", "accepted", "a", b"{}")
    kept.answers = {
        "partner": [
            first,
            Answer("a/2", "contested", "a", b"{}"),
            first,
            Answer("a/3", "applied", "a", b"{}"),
            Answer("b/1", "rejected", "b", b"{}"),
        ]
    }
    seen = Seen()
    seen.received["a"].add("09:00")
    return Round(calm, kept, seen)


def decided_twice(held: Round) -> None:
    held.kept.decided["a"].append("applied")


def outcome_missing(held: Round) -> None:
    held.kept.streams["a"].remove("applied")


def get_says_otherwise(held: Round) -> None:
    held.kept.told["a"] = ("accepted", "09:00")


def refused_for_something_else(held: Round) -> None:
    held.kept.reasons["b"] = [None, "code-unknown"]


def made_up(held: Round) -> None:
    held.kept.streams["x"] = ["accepted"]


def forgotten_and_taken_again(held: Round) -> None:
    held.seen.received["a"].add("08:59")


def answered_500(held: Round) -> None:
    held.seen.wrong.append("POST /v1/events: answered 500")


def counted_twice(held: Round) -> None:
    held.kept.projected.append(FACT)


def not_counted(held: Round) -> None:
    held.kept.projected.clear()


def gap(held: Round) -> None:
    held.kept.broken.append("casework/GM9001/7 is missing")


def key_lost(held: Round) -> None:
    held.kept.opened["a"] = {"": "the family's key is gone"}


def sealed_as_another(held: Round) -> None:
    held.kept.opened["a"] = {"question": "another"}


def never_sealed(held: Round) -> None:
    del held.kept.opened["a"]


def other_minutes(held: Round) -> None:
    held.kept.rows["segments"] = [(("case", "c"), ("minutes", 60))]


def other_figure(held: Round) -> None:
    held.kept.figures["new 2023"] = [2, 2, None]


def answer_missing(held: Round) -> None:
    held.kept.answers["partner"].pop()


def answers_swapped(held: Round) -> None:
    held.kept.answers["partner"].reverse()


def answer_changed(held: Round) -> None:
    held.kept.answers["partner"].append(Answer("a/1", "accepted", "a", b'{"other":1}'))


def parked_twice(held: Round) -> None:
    held.kept.parked += 1


BROKEN: dict[str, tuple[Callable[[Round], None], ...]] = {
    "one outcome for each submission": (
        decided_twice,
        outcome_missing,
        get_says_otherwise,
        refused_for_something_else,
        made_up,
    ),
    "what was taken stays taken": (forgotten_and_taken_again, answered_500),
    "every event once in the projection": (counted_twice, not_counted),
    "gapless ledgers that verify": (gap,),
    "what was sealed opens": (key_lost, sealed_as_another, never_sealed),
    "rows as without faults": (other_minutes,),
    "figures as without faults": (other_figure,),
    "every answer delivered in order": (answer_missing, answers_swapped, answer_changed),
    "what nobody signed is parked once": (parked_twice,),
}


def test_a_round_without_loss_breaks_nothing() -> None:
    assert not violations(held())


def test_each_property_has_a_case_that_breaks_it() -> None:
    assert BROKEN.keys() == PROPERTIES.keys()


@pytest.mark.parametrize(
    ("name", "tamper"), [(name, tamper) for name, ways in BROKEN.items() for tamper in ways], ids=str
)
def test_the_property_is_seen_to_fail(name: str, tamper: Callable[[Round], None]) -> None:
    tampered = held()
    tamper(tampered)
    assert list(PROPERTIES[name](tampered))


def test_the_same_seed_gives_the_same_plan_and_it_misses_no_target() -> None:
    begun = [fault for fault, _ in zip(plan(3, 1.0), range(1000), strict=False)]
    assert begun == [fault for fault, _ in zip(plan(3, 1.0), range(1000), strict=False)]
    assert {fault.targets[0] for fault in begun[: len(TARGETS)] if fault.kind == "kill"} == set(TARGETS)
    assert {fault.kind for fault in begun} == {*get_args(Kind)} - {"full"}, "a full disk has a moment of its own"
    assert any(len(fault.targets) == 2 for fault in begun)
    first = {fault.kind for fault in begun[: len(TARGETS) + 2]}
    assert first == {"kill", "stop", "lose"}, "also in a short run"
