"""The lock on published indicators: `published.json` holds the hash of every version that was ever published.

Run `python -m services.reporting.indicators.publishing` to add new ones; a changed one it refuses.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from services.reporting.indicators.catalogue import CATALOGUE
from services.reporting.indicators.definition import Indicator

LOCK = Path(__file__).parent / "published.json"


def breaches(indicators: Iterable[Indicator], published: Mapping[str, str]) -> list[str]:
    """What is wrong, a sentence each: a published version that changed or is gone, or one that is not published yet."""
    found = {f"{indicator.id}/{indicator.version}": indicator.hash for indicator in indicators}
    return (
        [
            f"{name} was published and has changed: put it back, and declare the change as its next version"
            for name, digest in found.items()
            if name in published and published[name] != digest
        ]
        + [f"{name} was published and is gone: put it back" for name in published if name not in found]
        + [f"{name} is not published: run this module once to add it" for name in found if name not in published]
    )


def publish() -> int:
    """Add what is new to the lock; the exit code is 1 where a published version has changed."""
    published = json.loads(LOCK.read_text(encoding="utf-8")) if LOCK.exists() else {}
    added = {
        name: indicator.hash
        for indicator in CATALOGUE
        if (name := f"{indicator.id}/{indicator.version}") not in published
    }
    if broken := breaches(CATALOGUE, published | added):
        sys.stderr.write("\n".join(broken) + "\n")
        return 1
    LOCK.write_text(json.dumps(published | added, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(publish())
