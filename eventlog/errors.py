"""Everything that can go wrong in the ledger, and who should act.

EventlogError
├── VersionConflict   the caller: someone else wrote to the stream first; read it again and decide anew
├── Gap               the reader's runner: positions are missing; ask the ledger's owner for the range
├── PositionMoved     the reader's runner: another instance did this work; read the position again
├── BrokenLedger      the operator: stored events do not match the ledger's head; do not go on, restore and find out
├── Standstill        the operator: the installation is not fit to go on, whatever the record; the message says why
├── UnreadableRecord  the operator: a record of our own bus or ledger cannot be read; the message names it
└── VaultError        the operator: a key is missing, or a sealed field was changed
"""


class EventlogError(Exception):
    """The root of this package's errors."""


class VersionConflict(EventlogError):
    """The stream is not at the version that the writer expected."""

    def __init__(self, stream: str, expected: int, found: int) -> None:
        super().__init__(f"{stream}: expected version {expected}, found {found}")
        self.stream, self.expected, self.found = stream, expected, found


class Gap(EventlogError):
    """The next event that arrived is not the next one of the ledger."""

    def __init__(self, ledger: object, position: int, arrived: int) -> None:
        super().__init__(f"{ledger}: the reader is at {position}, the next event that arrived is {arrived}")
        self.ledger, self.position, self.arrived = ledger, position, arrived


class PositionMoved(EventlogError):
    """The reader's position is not where this transaction found it."""


class BrokenLedger(EventlogError):
    """What is stored is not what was appended."""


class Standstill(EventlogError):
    """No record is at fault: a reader that raises this stands still until someone has acted."""


class UnreadableRecord(EventlogError):
    """A record that should be ours does not have our form."""


class VaultError(EventlogError):
    """A personal field cannot be sealed or opened."""


def describe(error: Exception) -> str:
    """What may be logged of `error`: our own say what happened; the text of others may quote data, so their kind."""
    return str(error) if isinstance(error, EventlogError) else type(error).__name__
