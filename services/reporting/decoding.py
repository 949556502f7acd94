"""Facts as the fold takes them: structs with the fields of the published classes, decoded many times faster.

The form is checked, and that each value goes into its column: the reader and a rebuild, which writes by other means,
must refuse the same events. The rules are not: what stands in the ledger passed them when it was written, and its
Merkle root says that it has not changed since. A test holds both decoders to the same values.
"""

from collections.abc import Callable
from functools import reduce
from operator import or_
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

import msgspec
from pydantic.fields import FieldInfo

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


_NUL = b"\\u0000"
"""As JSON has it; no text of PostgreSQL may hold one, and none that is published does."""
_COLUMN = {"ge": -(2**31), "le": 2**31 - 1}
_TEXT = Annotated[str, msgspec.Meta(max_length=500)]
"""An index takes no longer ones."""
_SAID_OF_THE_FORM = ("Expected ", "Object missing ", "JSON is malformed", "Input data was truncated")


def _storable(kind: Any, bounds: dict[str, int]) -> Any:
    if kind is int:
        return Annotated[int, msgspec.Meta(ge=bounds["ge"], le=bounds["le"])]
    if kind is str:
        return _TEXT
    if get_origin(kind) is Annotated:
        return _storable(get_args(kind)[0], bounds)
    if get_origin(kind) in (Union, UnionType):
        return reduce(or_, (_storable(one, bounds) for one in get_args(kind)))
    return kind


def _published(field: FieldInfo) -> dict[str, int]:
    """What is said of a number in its class; sums of minutes stay within a column by it."""
    ends = ((end, getattr(rule, end, None)) for rule in field.metadata for end in _COLUMN)
    return {end: bound for end, bound in ends if bound is not None}


def _struct_of(fact: type[Fact]) -> type[msgspec.Struct]:
    fields: list[Any] = []
    for name, field in fact.model_fields.items():
        kind = _storable(field.annotation, _COLUMN | _published(field))
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
    if _NUL in data:
        raise NotDecoded("its data holds a NUL")
    try:
        return decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotDecoded(f"its data does not fit: {_what_is_wrong(error)}") from error


def _what_is_wrong(error: Exception) -> str:
    """What should be there, never what is."""
    said = str(error)
    return said if said.startswith(_SAID_OF_THE_FORM) else said.partition("`")[0].partition("'")[0].strip()
