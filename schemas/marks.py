"""Marks on fields: personal data, which is sealed at the gate, and references, which become pseudonyms there."""

import re
from functools import cache
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

_EIGHT_OR_NINE_DIGITS = re.compile(r"[0-9]{8,9}")
_ELEVENS_WEIGHTS = (9, 8, 7, 6, 5, 4, 3, 2, -1)


def looks_like_bsn(text: str) -> bool:
    """Whether `text` passes the elfproef of the burgerservicenummer, which is never stored here."""
    if not _EIGHT_OR_NINE_DIGITS.fullmatch(text):
        return False
    digits = (int(digit) for digit in text.zfill(9))
    return sum(weight * digit for weight, digit in zip(_ELEVENS_WEIGHTS, digits, strict=True)) % 11 == 0


def _refuse_bsn(reference: str) -> str:
    if looks_like_bsn(reference):
        raise ValueError("looks like a burgerservicenummer; send a reference of your own instead")
    return reference


class PersonalMark:
    """The field says something about a person: sealed with the family's key from the first event on."""


class ReferenceMark:
    """The field is a partner's own reference: after the gate a keyed hash, equal for equal ones of one gemeente."""


class NotToldMark:
    """The field stays with us: an answer on a partner's topic leaves it out, so no reader of the wire counts on it."""


Personal = Annotated[str, StringConstraints(min_length=1, max_length=2000), PersonalMark()]

Reference = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$"),
    AfterValidator(_refuse_bsn),
    ReferenceMark(),
    Field(description="Your own reference, never a name or a burgerservicenummer."),
]


@cache
def fields_marked(model: type[BaseModel], mark: type) -> frozenset[str]:
    """The names of the fields of `model` that carry `mark`, also where the field may be absent."""
    return frozenset(
        name
        for name, field in model.model_fields.items()
        if any(isinstance(item, mark) for item in field.metadata) or _annotation_carries(field.annotation, mark)
    )


def _annotation_carries(annotation: Any, mark: type) -> bool:
    return any(isinstance(part, mark) or _annotation_carries(part, mark) for part in get_args(annotation))
