"""A CloudEvent as a partner sent it, whatever carried it: its context attributes and the bytes of its data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_DATA_BYTES = 64 * 1024
"""What CloudEvents says every intermediary should forward."""


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """`attributes` may hold any JSON value, since nobody has judged them yet; `data` is None where there is none."""

    attributes: Mapping[str, Any]
    data: bytes | None
