"""JSON that can be read in one way only: UTF-8, no name twice, finite numbers, not nested deeply (RFC 7493)."""

import json
import math
from dataclasses import dataclass
from typing import Any, NoReturn

import msgspec

DEEPEST = 20


class NotStrictJson(ValueError):
    """Bytes that are no JSON, or could be read in two ways; the message says what to change, never what was sent."""


@dataclass(frozen=True, slots=True)
class Json:
    """A value, and its canonical bytes: names sorted, no white space."""

    value: Any
    canonical: bytes


def read(raw: bytes) -> Json:
    try:
        value = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite
        )
        if _depth(value) > DEEPEST:
            raise NotStrictJson(f"nest at most {DEEPEST} levels deep")
        return Json(value, msgspec.json.encode(value, order="sorted"))
    except NotStrictJson:
        raise
    except UnicodeDecodeError as error:
        raise NotStrictJson("encode it as UTF-8") from error
    except json.JSONDecodeError as error:
        raise NotStrictJson(f"it is not JSON at line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise NotStrictJson(f"nest at most {DEEPEST} levels deep") from error
    except (ValueError, OverflowError) as error:
        # An integer of thousands of digits, one that no 64 bits hold, or half of a surrogate pair.
        raise NotStrictJson("it holds a number or a character that JSON parsers do not agree on") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotStrictJson("give every name in an object once")
    return members


def _no_constant(_: str) -> NoReturn:
    raise NotStrictJson("NaN and Infinity are not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NotStrictJson("it holds a number that is too large")
    return number


def _depth(value: Any) -> int:
    """How deep objects and lists are nested, without recursion of our own."""
    depth, level = 0, [value]
    while level:
        nested = [item for item in level if isinstance(item, dict | list)]
        if not nested or depth > DEEPEST:
            break
        depth += 1
        level = [child for item in nested for child in (item.values() if isinstance(item, dict) else item)]
    return depth
