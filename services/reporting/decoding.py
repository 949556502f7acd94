"""Facts as the fold takes them: structs with the fields of the published classes, decoded many times faster.

The form is checked, the rules are not: what stands in the ledger passed them when it was written, and its Merkle root
says that it has not changed since. A test holds both decoders to the same values.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from schemas.case import FACTS, CaseFact, Fact
from schemas.submission import SubmissionApplied, SubmissionRefused

__all__ = [
    "FACT_TYPES",
    "CaseAssigned",
    "CaseClassified",
    "CaseClosed",
    "CaseContactLogged",
    "CaseCorrected",
    "CaseFirstContactMade",
    "CaseOpened",
    "CaseReopened",
    "CaseVoided",
    "ConsulentAnswered",
    "NotDecoded",
    "ReferredToConsulent",
    "decode_fact",
]


def _struct_of(fact: type[Fact]) -> type[msgspec.Struct]:
    fields: list[Any] = []
    for name, field in fact.model_fields.items():
        kind: Any = field.annotation
        fields.append((name, kind) if field.is_required() else (name, kind, field.default))
    return msgspec.defstruct(
        fact.__name__, fields, kw_only=True, frozen=True, gc=False, rename="camel", forbid_unknown_fields=True
    )


def _decoder(struct: type[Any]) -> Callable[[bytes], CaseFact]:
    return msgspec.json.Decoder(struct).decode


_STRUCTS = {fact.__name__: _struct_of(fact) for fact in FACTS}

if TYPE_CHECKING:
    # To the type checker they are the published classes, whose fields they have: so no fact can be forgotten.
    from schemas.case import (
        CaseAssigned,
        CaseClassified,
        CaseClosed,
        CaseContactLogged,
        CaseCorrected,
        CaseFirstContactMade,
        CaseOpened,
        CaseReopened,
        CaseVoided,
        ConsulentAnswered,
        ReferredToConsulent,
    )
else:
    globals().update(_STRUCTS)

FACT_TYPES = tuple(fact.type for fact in FACTS)
_DECODE: dict[str, Callable[[bytes], CaseFact]] = {fact.type: _decoder(_STRUCTS[fact.__name__]) for fact in FACTS}
_ANSWERS = (SubmissionApplied.type, SubmissionRefused.type)


class NotDecoded(Exception):
    """The data of an event is not a fact of the type it is said to be."""


def decode_fact(event_type: str, data: bytes) -> CaseFact | None:
    """The fact in `data`; None for casework's answers to submissions, which are no facts about a case."""
    if (decode := _DECODE.get(event_type)) is None:
        if event_type in _ANSWERS:
            return None
        raise NotDecoded("no such fact is published; was it written by a newer version?")
    try:
        return decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotDecoded(f"its data does not fit: {error}") from error
