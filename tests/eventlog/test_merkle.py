"""The tree is the one of RFC 6962, whoever computes it and in whatever portions it grows."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from eventlog.merkle import EMPTY_ROOT, Frontier, leaf_hash

# The test vectors that the Certificate Transparency implementations share: leaves and the root over the first n.
LEAVES = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
LEAVES.append(bytes.fromhex("606162636465666768696a6b6c6d6e6f"))
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def definition(leaves: list[bytes]) -> bytes:
    """RFC 6962 §2.1 to the letter."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return sha256(b"\x01" + definition(leaves[:split]) + definition(leaves[split:])).digest()


def test_the_shared_vectors_give_the_shared_roots() -> None:
    frontier = Frontier()
    assert frontier.root == EMPTY_ROOT
    for leaf, root in zip(LEAVES, ROOTS, strict=True):
        frontier = frontier.extend([leaf_hash(leaf)])
        assert frontier.root.hex() == root


@given(st.lists(st.binary(max_size=8), max_size=70), st.integers(0, 70))
def test_growing_in_portions_gives_the_root_of_the_definition(leaves: list[bytes], cut: int) -> None:
    hashes = [leaf_hash(leaf) for leaf in leaves]
    first = Frontier().extend(hashes[:cut])
    stored = Frontier.from_bytes(first.size, first.to_bytes())
    assert stored.extend(hashes[cut:]).root == definition(leaves)
