"""Whether a text holds what looks like a burgerservicenummer."""

import re

from schemas.marks import looks_like_bsn

_NINE_DIGITS = re.compile(r"(?<![0-9A-Za-z])[0-9]{9}(?![0-9A-Za-z])")


def holds_bsn(text: str) -> bool:
    """All of it, or nine digits that stand alone: part of a UUID is not enough."""
    return looks_like_bsn(text) or any(looks_like_bsn(digits) for digits in _NINE_DIGITS.findall(text))
