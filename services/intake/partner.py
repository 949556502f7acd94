"""A partner: an organisation that may state things about the cases of one gemeente; fields and rules, no files."""

import base64
import binascii
from datetime import date
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from schemas.event import NAMESPACE, SYNTHETIC_PREFIX, Code, Day, Gemeente, Record
from schemas.statement import STATEMENTS

SHORT_NAMES = frozenset(statement.type.removeprefix(NAMESPACE) for statement in STATEMENTS)
"""The statement types as a partner's file names them: without the namespace, which is always the same."""

ABSOLUTE_URI = r"^[A-Za-z][A-Za-z0-9+.-]*:[!-~]{1,180}$"


def _known_type(name: str) -> str:
    if name in SHORT_NAMES:
        return name
    if name.removeprefix(NAMESPACE) in SHORT_NAMES:
        raise ValueError(f"write {name.removeprefix(NAMESPACE)}, without {NAMESPACE}")
    raise ValueError(f"{name} is no statement type; choose from {', '.join(sorted(SHORT_NAMES))}")


def _ed25519_key(text: str) -> str:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("is not base64") from error
    if len(key) != 32:
        raise ValueError(f"an Ed25519 public key has 32 bytes, this has {len(key)}")
    return base64.b64encode(key).decode()  # One key may be spelt in several ways.


class Partner(Record):
    """One registration: an identity, a key, and what may be sent, for one gemeente, since when."""

    id: Code
    title: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    oin: Annotated[str, StringConstraints(pattern=r"^[0-9]{20}$")] | None = None
    kvk: Annotated[str, StringConstraints(pattern=r"^[0-9]{8}$")] | None = None
    gemeente: Gemeente
    synthetic: bool = False
    sources: Annotated[tuple[Annotated[str, StringConstraints(pattern=ABSOLUTE_URI)], ...], Field(min_length=1)]
    programmes: Annotated[tuple[Code, ...], Field(min_length=1)]
    types: Annotated[tuple[Annotated[str, AfterValidator(_known_type)], ...], Field(min_length=1)]
    valid_from: Day
    valid_until: Annotated[Day | None, Field(description="The last day; absent while the partner takes part.")] = None
    key_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    signing_key: Annotated[str, AfterValidator(_ed25519_key)] | None = None

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.synthetic != self.id.startswith(SYNTHETIC_PREFIX):
            raise ValueError(f"exactly the ids that start with {SYNTHETIC_PREFIX} have synthetic: true")
        if self.valid_until is not None and self.valid_until < self.valid_from:
            raise ValueError("valid_until lies before valid_from")
        for field in ("sources", "programmes", "types"):
            values = getattr(self, field)
            if len(set(values)) != len(values):
                raise ValueError(f"{field} names something twice")
        return self

    def registered_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)

    def may_send(self, statement_type: str) -> bool:
        return statement_type.startswith(NAMESPACE) and statement_type.removeprefix(NAMESPACE) in self.types


def is_synthetic(partner_id: str) -> bool:
    """Whether an event of this partner, known by its envelope alone, is synthetic."""
    return partner_id.startswith(SYNTHETIC_PREFIX)
