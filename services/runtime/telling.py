"""What changes in how a process stands, said once in its log."""

from collections.abc import Callable, Sequence

import structlog

from services.runtime.standing import Standing

_PUT_BACK = (
    "the ledger lacks events that its reader has had: it was put back alone, and as many new ones will be left out; "
    "take nothing in, and put it back whole or its readers to the same moment"
)
_AS_LONG_AGAIN = (
    "the ledger is as long again as its reader has read: unless it was put back whole, events were left out"
)

_FEW = 5

log = structlog.get_logger()


def tell(before: Standing, now: Standing) -> None:
    """One line when something goes wrong and one when it is over."""
    for part, why in now.away.items():
        if part not in before.away:
            log.warning("part away", part=part, error=why)
    for part in before.away:
        if part not in now.away:
            log.warning("part is back", part=part)
    for (reader, source), why in now.unknown.items():
        if (reader, source) not in before.unknown:
            log.warning("ledger owner does not answer", reader=reader, source=source, error=why)
    for reader, source in before.unknown:
        if (reader, source) not in now.unknown and not now.away:
            log.warning("ledger owner answers again", reader=reader, source=source)
    _tell_few(log.error, "reader stands still", [reader for reader in now.stuck if reader not in before.stuck])
    for reader in now.put_back:
        if reader not in before.put_back:
            log.error(_PUT_BACK, reader=reader)
    moving = [reader for reader in before.stuck if reader not in now.stuck and not now.away]
    for reader in moving:
        if reader in before.put_back:
            log.error(_AS_LONG_AGAIN, reader=reader)
    _tell_few(log.warning, "reader moves again", [reader for reader in moving if reader not in before.put_back])


def _tell_few(say: Callable[..., None], event: str, readers: Sequence[str]) -> None:
    """What goes wrong with all ledgers at once is not to fill the log."""
    for reader in readers[:_FEW]:
        say(event, reader=reader)
    if len(readers) > _FEW:
        say(event, readers=len(readers), more=len(readers) - _FEW)
