"""The RFC 6962 Merkle tree of a ledger, kept as its compact frontier: the roots of its complete subtrees."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """RFC 6962 §2.1: the hash of a leaf, told apart from a node by its first byte."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The tree over the first `size` leaves; `peaks` are its complete subtrees' roots, the largest first."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    @classmethod
    def from_bytes(cls, size: int, stored: bytes) -> Self:
        peaks = tuple(stored[at : at + HASH_BYTES] for at in range(0, len(stored), HASH_BYTES))
        if len(peaks) != size.bit_count() or len(stored) % HASH_BYTES:
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} peaks, {len(stored)} bytes are stored")
        return cls(size, peaks)

    def to_bytes(self) -> bytes:
        return b"".join(self.peaks)

    def extend(self, leaves: Iterable[bytes]) -> "Frontier":
        """The tree with `leaves` (leaf hashes) added at its end."""
        complete, peaks, level, left_over = self.size, list(self.peaks), list(leaves), list[bytes]()
        size = complete + len(level)
        while level:  # The new nodes of one height; `complete` stand to the left of them.
            if complete & 1:
                level.insert(0, peaks.pop())
            if len(level) & 1:
                left_over.append(level.pop())
            pairs = iter(level)
            level = [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
            complete >>= 1
        return Frontier(size, (*peaks, *reversed(left_over)))

    @property
    def root(self) -> bytes:
        """RFC 6962 §2.1: the Merkle tree hash over all leaves."""
        return _fold(self.peaks) if self.peaks else EMPTY_ROOT


def _fold(peaks: Sequence[bytes]) -> bytes:
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root
