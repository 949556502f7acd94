"""What the gate says about a field, to the partner's developer; never a value that was sent, for it may be personal."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from textwrap import shorten
from typing import Any

from pydantic_core import ErrorDetails

from schemas.marks import ReferenceMark, fields_marked
from schemas.statement import STATEMENTS, Statement
from schemas.submission import GateError, RejectionCode

_NAMES = frozenset(
    name
    for statement in STATEMENTS
    for field, info in statement.model_fields.items()
    for name in (field, info.alias or field)
)

_BSN = "looks like a burgerservicenummer, which is never taken in. Send a reference of your own instead."

_BY_KIND: Mapping[str, str] = {
    "string_type": "Send `{field}` as text.",
    "int_type": "Send `{field}` as a whole number, without quotes and without a decimal point.",
    "bool_type": "Send `{field}` as true or false, without quotes.",
    "date_type": "Send `{field}` as a calendar day in the form YYYY-MM-DD.",
    "date_parsing": "Send `{field}` as a calendar day in the form YYYY-MM-DD that exists.",
    "tuple_type": "Send `{field}` as a list.",
    "string_too_short": "Send `{field}` with at least {min_length} character, or leave it out.",
    "string_too_long": "Send `{field}` with at most {max_length} characters.",
    "too_long": "Send at most {max_length} items in `{field}`.",
    "greater_than_equal": "Send `{field}` as {ge} or more.",
    "less_than_equal": "Send `{field}` as {le} or less.",
    "literal_error": "Send `{field}` as one of {expected}.",
}
_REFERENCE_FORM = "Send `{field}` as 1 to 64 letters, digits, dots, hyphens or underscores; never a name."
_NO_CODES = "Do not send this for this programme: it has no codes for `{field}`."
_CODE_FORM = "Send `{field}` as a code: lower-case words and digits joined by hyphens, at most 60 characters."
_LONGEST_GUESSED = 40
_OTHERWISE = "Send `{field}` as the JSON Schema of this type says."


def about_fields(statement: type[Statement], found: Sequence[ErrorDetails]) -> Iterator[GateError]:
    """Looking for what was meant takes long, so only the first unknown name is looked for."""
    unknown = next((one for one in found if one["type"] == "extra_forbidden"), None)
    for one in found:
        yield _about_field(statement, one, guess=one is unknown)


def _about_field(statement: type[Statement], found: ErrorDetails, *, guess: bool) -> GateError:
    """The gate's error for what pydantic found; `found` is made without input and without context of the input."""
    path = [str(part) for part in found["loc"]]
    field = ".".join(path)
    if not path:
        return GateError(code="field-invalid", sentence="Send data as a JSON object.")
    if found["type"] == "missing":
        return GateError(code="field-missing", field=field, sentence=f"Add `{field}`; this type always states it.")
    if found["type"] == "extra_forbidden":
        return _unknown(statement, field, guess=guess)
    if found["type"] == "value_error" and path[0] in fields_marked(statement, ReferenceMark):
        return looks_like_bsn(field)
    sentence = _form_of(statement, path[0]) if found["type"] == "string_pattern_mismatch" else None
    return invalid(field, sentence or _BY_KIND.get(found["type"], _OTHERWISE), found.get("ctx", {}))


def invalid(field: str, sentence: str, limits: Mapping[str, Any] | None = None) -> GateError:
    return GateError(code="field-invalid", field=field, sentence=sentence.format(field=field, **(limits or {})))


def not_a_day(field: str) -> GateError:
    return invalid(field, _BY_KIND["date_type"])


def looks_like_bsn(field: str) -> GateError:
    return GateError(code="bsn-not-allowed", field=field, sentence=f"`{field}` {_BSN}")


def code_unknown(field: str, listed: Iterable[str]) -> GateError:
    """The codes that would do, never the one that was sent: from a wrong column it may well be a name."""
    choice = shorten(", ".join(listed), 300, placeholder=" …")
    sentence = f"Send `{field}` as a code of the programme: {choice}." if choice else _NO_CODES.format(field=field)
    return GateError(code="code-unknown", field=field, sentence=sentence)


def attribute(name: str, sentence: str, code: RejectionCode = "attribute-invalid") -> GateError:
    return GateError(code=code, field=name, sentence=sentence)


def _form_of(statement: type[Statement], field: str) -> str:
    return _REFERENCE_FORM if field in fields_marked(statement, ReferenceMark) else _CODE_FORM


def _unknown(statement: type[Statement], field: str, *, guess: bool) -> GateError:
    """A name that no type has may be a value in the wrong place, so it is not repeated; what it is like is said."""
    known = sorted(info.alias or name for name, info in statement.model_fields.items())
    close = get_close_matches(field, known, n=1) if guess and len(field) <= _LONGEST_GUESSED else []
    meant = "".join(f" Did you mean `{name}`?" for name in close)
    return GateError(
        code="field-unknown",
        field=field if field in _NAMES else None,
        sentence=f"Remove what this type does not have.{meant} Its fields are: {', '.join(known)}.",
    )


def programme_unknown(*, registered: bool) -> GateError:
    """Of what the partner's registration names and nobody defined here, the partner can do nothing."""
    send, ask = "Send a programme that your registration names.", "Ask the gemeente to correct your registration."
    return GateError(code="programme-unknown", field="programme", sentence=ask if registered else send)
