"""Made-up events: every value that a published schema allows, so that a test meets more than its author thought of."""

import json
from datetime import date
from functools import cache
from typing import Any, get_args

from hypothesis import strategies as st

from schemas.describe import json_schema
from schemas.event import Event
from schemas.marks import NotToldMark, fields_marked, looks_like_bsn
from schemas.submission import RefusalRule, RejectionCode

Values = st.SearchStrategy[Any]

# Two encoders may differ on an integer beyond 2^53 and on half of a surrogate pair; I-JSON (RFC 7493) has neither.
INTEGERS = st.integers(min_value=-(2**53) + 1, max_value=2**53 - 1)
TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
# Of these the schema gives the form alone, because they grow.
GROWING_LISTS = {"code": st.sampled_from(get_args(RejectionCode)), "rule": st.sampled_from(get_args(RefusalRule))}
FIELD_NAMES = st.from_regex(r"[a-z][A-Za-z]{0,11}", fullmatch=True)


@cache
def events(event: type[Event]) -> st.SearchStrategy[Event]:
    """Events of one type, made from its published schema and taken in as the gate does."""
    return data_of(event).map(lambda data: event.model_validate_json(json.dumps(data), strict=True))


@cache
def data_of(event: type[Event]) -> Values:
    """What the published schema allows as data, apart from references that could be a burgerservicenummer."""
    schema = json_schema(event)
    schema["required"] += [name for name in schema["properties"] if name in fields_marked(event, NotToldMark)]
    return _values(schema, schema.get("$defs", {})).filter(lambda data: not any(map(looks_like_bsn, _texts(data))))


def _values(schema: dict[str, Any], definitions: dict[str, Any]) -> Values:
    match schema:
        case {"$ref": str(pointer)}:
            return _values(definitions[pointer.removeprefix("#/$defs/")], definitions)
        case {"enum": list(choices)}:
            return st.sampled_from(choices)
        case {"anyOf": list(choices)}:
            return st.one_of([_values(choice, definitions) for choice in choices])
        case {"type": "null"}:
            return st.none()
        case {"type": "boolean"}:
            return st.booleans()
        case {"type": "integer"}:
            return st.integers(schema["minimum"], schema.get("maximum", 2**53 - 1))
        case {"type": "string"}:
            return _strings(schema)
        case {"type": "array"}:
            items = _values(schema["items"], definitions)
            return st.lists(items, min_size=schema.get("minItems", 0), max_size=min(schema.get("maxItems", 4), 4))
        case {"type": "object", "additionalProperties": False}:
            fields = {name: _values(inner, definitions) for name, inner in schema["properties"].items()}
            fields |= {name: GROWING_LISTS[name] for name in fields.keys() & GROWING_LISTS.keys()}
            required = {name: fields.pop(name) for name in schema["required"]}
            return st.fixed_dictionaries(required, optional=fields)
        case {"type": "object"}:
            return st.dictionaries(FIELD_NAMES, st.one_of(TEXT, INTEGERS, st.booleans()), max_size=6)
        case _:
            raise AssertionError(f"made_up knows no values for {schema}")


def _strings(schema: dict[str, Any]) -> Values:
    longest = schema.get("maxLength", 10_000)
    if schema.get("format") == "date":
        return st.dates(min_value=date(1000, 1, 1)).map(date.isoformat)
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True).filter(lambda text: len(text) <= longest)
    return TEXT.filter(lambda text: len(text) >= schema.get("minLength", 0))


def _texts(value: Any) -> list[str]:
    match value:
        case str():
            return [value]
        case dict():
            return [text for inner in value.values() for text in _texts(inner)]
        case list():
            return [text for inner in value for text in _texts(inner)]
        case _:
            return []
