"""The items of a JSON array, one after the other: who wants a few does not pay for millions."""

import json
import re
from collections.abc import Iterator

_SPACE = re.compile(r"[ \t\n\r]*")
# Only the end of each item is wanted here, so nothing is made of what is in it; its own reader is strict.
_SKIM = json.JSONDecoder(object_pairs_hook=len, parse_int=len, parse_float=len, parse_constant=len, strict=False)


class NotAnArray(ValueError):
    """The bytes are no JSON array."""


def items(body: bytes) -> Iterator[bytes]:
    """The bytes of each item, as they were sent; raises NotAnArray where the array breaks off or is none."""
    # Bytes that are no UTF-8 come out as they went in: that is for the reader of the item to judge.
    text = body.decode("utf-8", "surrogateescape")
    at = _after(text, 0, "[")
    if text.startswith("]", at):
        return _ended(text, at)
    while True:
        try:
            _, end = _SKIM.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            raise NotAnArray from error
        yield text[at:end].encode("utf-8", "surrogateescape")
        at = _space(text, end)
        if text.startswith("]", at):
            return _ended(text, at)
        at = _after(text, at, ",")


def _after(text: str, at: int, mark: str) -> int:
    """Where the next thing begins, after `mark` and the white space around it."""
    at = _space(text, at)
    if not text.startswith(mark, at):
        raise NotAnArray
    return _space(text, at + 1)


def _ended(text: str, at: int) -> None:
    if _space(text, at + 1) != len(text):
        raise NotAnArray


def _space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
