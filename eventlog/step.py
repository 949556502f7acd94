"""A reader's step in one statement: the effect of some events and the move past them, where nobody came in between.

PostgreSQL says of each row which transaction wrote it (xmin). While that of a reader's row is the one in which this
process left it, no instance has moved the reader, held an event of it or tried one again: what was looked up since then
without a lock is still so. Where it is another, the statement does nothing, and the way is the one that locks first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from sqlalchemy.ext.asyncio import AsyncConnection

from eventlog.connections import driver_of

if TYPE_CHECKING:
    from eventlog.ledger import LedgerId, Recorded


@dataclass(frozen=True, slots=True)
class Left:
    """How a process left a reader in a ledger: the position, and the transaction that wrote its row.

    `held` is whether the reader has anything in quarantine there, as it was under the lock; `no_step` counts the
    batches since its last step.
    """

    position: int
    written_by: int
    held: bool = False
    no_step: int = 0

    @property
    def is_worth_a_step(self) -> bool:
        """Ever more seldom where none goes, up to one batch in 64: to try in vain costs as much as it saves."""
        return not self.held and (self.no_step & (self.no_step - 1) == 0 or self.no_step % 64 == 0)


@dataclass(frozen=True, slots=True)
class Step:
    """From where this process left `reader` to `reached`."""

    reader: str
    ledger: "LedgerId"
    left: Left
    reached: int

    @property
    def parameters(self) -> tuple[object, ...]:
        """Of `at_the_reader` and `move_if`, in the order in which those count them."""
        return self.reader, str(self.ledger), self.left.position, self.left.written_by, self.reached


@runtime_checkable
class Stepping(Protocol):
    """A reader that can do its effect and the move in one statement."""

    async def take_step(self, connection: AsyncConnection, step: Step, events: "Sequence[Recorded]") -> int | None:
        """The transaction that did both, or None: then nothing is done. `connection` is in no transaction.

        What it raises says that nothing is done either, unless the connection broke.
        """
        ...


def at_the_reader(service: str, first: int) -> str:
    """A query that locks the reader's row and finds nothing where it is no longer as it was left.

    Its parameters, and those of `move_if`, count from `first`.
    """
    return (
        f"SELECT FROM {service}.readers WHERE reader = ${first} AND ledger = ${first + 1} AND position = ${first + 2}"
        f" AND xmin = ${first + 3} AND NOT held FOR UPDATE"
    )


def move_if(service: str, first: int, found: str) -> str:
    """A statement that moves the reader if `found`, a query that includes its lock, finds something."""
    return (
        f"UPDATE {service}.readers SET position = ${first + 4} WHERE reader = ${first} AND ledger = ${first + 1}"
        f" AND EXISTS ({found}) RETURNING xmin"
    )


async def move_alone(connection: AsyncConnection, service: str, step: Step) -> int | None:
    """The step of a reader for whom there is nothing to do."""
    statement = f"WITH here AS ({at_the_reader(service, 1)}) {move_if(service, 1, 'SELECT FROM here')}"
    written_by: int | None = await driver_of(connection).fetchval(statement, *step.parameters)
    return written_by
