"""What changes in how a process stands, said once in its log."""

import structlog

from services.runtime.standing import Standing

_PUT_BACK = (
    "the ledger lacks events that its reader has had: it was put back alone, and as many new ones will be left out; "
    "take nothing in, and put it back whole or its readers to the same moment"
)
_AS_LONG_AGAIN = (
    "the ledger is as long again as its reader has read: unless it was put back whole, events were left out"
)

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
    for reader in now.stuck:
        if reader not in before.stuck:
            log.error("reader stands still", reader=reader)
    for reader in now.put_back:
        if reader not in before.put_back:
            log.error(_PUT_BACK, reader=reader)
    for reader in before.stuck:
        if reader not in now.stuck and not now.away:
            if reader in before.put_back:
                log.error(_AS_LONG_AGAIN, reader=reader)
            else:
                log.warning("reader moves again", reader=reader)
