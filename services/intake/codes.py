"""Codes that must stand on a list of the programme: any other value may be a name from a wrong column."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_origin

from schemas.programme import Programme
from schemas.statement import STATEMENTS, Statement
from schemas.submission import GateError
from services.intake import sentences

_LISTS: Mapping[str, str] = {
    "area": "areas",
    "channel": "channels",
    "help_question": "help_questions",
    "case_type": "case_types",
    "reason": "closing_reasons",
    "outcome": "outcomes",
    "referred_to": "destinations",
    "answer": "consulent_answers",
}


def _listed(statement: type[Statement]) -> Mapping[str, str]:
    """The programme's list of each coded field, by its JSON name; a field with choices of its own has none."""
    return {
        info.alias or name: _LISTS[name]
        for name, info in statement.model_fields.items()
        if name in _LISTS and get_origin(info.annotation) is not Literal
    }


LISTED: Mapping[type[Statement], Mapping[str, str]] = {statement: _listed(statement) for statement in STATEMENTS}


def unlisted(statement: type[Statement], sound: Mapping[str, Any], programme: Programme) -> Iterator[GateError]:
    """An error for each coded field of which a value is not on the list. `sound` holds well-formed fields only."""
    for field, name in LISTED[statement].items():
        if (value := sound.get(field)) is None:
            continue
        listed = getattr(programme, name)
        if any(code not in listed for code in (value if isinstance(value, list) else [value])):
            yield sentences.code_unknown(field, listed)
