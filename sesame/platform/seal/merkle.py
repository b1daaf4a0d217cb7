"""A Merkle tree over an append-only list, as RFC 9162 section 2.1 defines it, kept in tiles of 256.

Hashes are 32 bytes. A leaf's hash is SHA-256(0x00 || leaf), a node's SHA-256(0x01 || left || right):
the two prefixes keep a node from being passed off as a leaf. Level 0 holds the leaves' hashes, 256 a
tile; a full tile's root is one hash of the level above (the shape of C2SP tlog-tiles). So a tree of
10^9 leaves has 4 levels, and a proof reads at most a few tiles of each.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

HASH_BYTES = 32
TILE = 256
TILE_HEIGHT = 8
TILE_BYTES = TILE * HASH_BYTES
EMPTY_ROOT = sha256().digest()

ReadTile = Callable[[int, int], bytes]
"""Gives the hashes of a tile by level and number, one after the other; fewer than 256 at the edge."""


class ProofInvalid(ValueError):
    """A proof doesn't lead from what it is about to the root."""


class TilesIncomplete(ValueError):
    """A tile holds fewer hashes than the size of the tree asks for."""


def leaf_hash(leaf: bytes) -> bytes:
    """Return the hash of one leaf."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node above two others."""
    return sha256(b"\x01" + left + right).digest()


def perfect_root(hashes: bytes) -> bytes:
    """Return the root over the hashes that stand in `hashes` one after the other: a power of two."""
    while len(hashes) > HASH_BYTES:
        hashes = b"".join(
            [
                sha256(b"\x01" + hashes[begin : begin + 2 * HASH_BYTES]).digest()
                for begin in range(0, len(hashes), 2 * HASH_BYTES)
            ]
        )
    return hashes


@dataclass
class Frontier:
    """The right edge of a tree: all that is needed to append to it and to know its root.

    edges: for each level, the hashes of its last tile, as long as that one isn't full. size: leaves.
    """

    size: int = 0
    edges: list[bytearray] = field(default_factory=lambda: [bytearray()])

    def append(self, hashes: bytes) -> list[tuple[int, int, bytes]]:
        """Append leaves' hashes, given one after the other; return what is new in which tile.

        Each as level, number of the tile, and the hashes that come after those it has. Whoever keeps
        the tiles appends these and nothing else.
        """
        grown: list[tuple[int, int, bytes]] = []
        before = self.size
        self.size += len(hashes) // HASH_BYTES
        level = 0
        while hashes:
            if level == len(self.edges):
                self.edges.append(bytearray())
            above = []
            number = before >> (TILE_HEIGHT * (level + 1))
            begin = 0
            while begin < len(hashes):
                edge = self.edges[level]
                new = hashes[begin : begin + TILE_BYTES - len(edge)]
                grown.append((level, number, new))
                begin += len(new)
                edge += new
                if len(edge) == TILE_BYTES:
                    above.append(perfect_root(bytes(edge)))
                    self.edges[level] = bytearray()
                    number += 1
            hashes = b"".join(above)
            level += 1
        return grown

    def root(self) -> bytes:
        """Return the root of the tree as it stands."""
        root = b""
        for edge in self.edges:
            for peak in reversed(list(_peaks(bytes(edge)))):
                root = node_hash(peak, root) if root else peak
        return root or EMPTY_ROOT


def _peaks(hashes: bytes) -> Iterator[bytes]:
    """Yield the roots of the perfect trees that the hashes make, the largest first."""
    begin = 0
    for bit in reversed(range(TILE_HEIGHT)):
        length = HASH_BYTES << bit
        if len(hashes) - begin >= length:
            yield perfect_root(hashes[begin : begin + length])
            begin += length


def frontier_of(size: int, read_tile: ReadTile) -> Frontier:
    """Return the right edge of the tree of the first `size` leaves. Raises `TilesIncomplete`."""
    edges = []
    level = 0
    while level == 0 or size >> (TILE_HEIGHT * level):
        entries = size >> (TILE_HEIGHT * level)
        number, left = divmod(entries, TILE)
        edges.append(bytearray(_part(read_tile(level, number), 0, left) if left else b""))
        level += 1
    return Frontier(size, edges)


def root_of(size: int, read_tile: ReadTile) -> bytes:
    """Return the root of the tree of the first `size` leaves. Raises `TilesIncomplete`."""
    return frontier_of(size, read_tile).root()


def inclusion_proof(index: int, size: int, read_tile: ReadTile) -> list[bytes]:
    """Return the path from leaf `index` to the root of the first `size` leaves (RFC 9162, 2.1.3.1).

    Raises IndexError where there is no such leaf, `TilesIncomplete`.
    """
    if not 0 <= index < size:
        raise IndexError(f"no leaf {index} among {size}")
    tree = _Tree(read_tile)
    path = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append(tree.root(middle, end))
            end = middle
        else:
            path.append(tree.root(begin, middle))
            begin = middle
    return path[::-1]


def consistency_proof(old_size: int, size: int, read_tile: ReadTile) -> list[bytes]:
    """Return the proof that the first `old_size` leaves begin the tree of `size` (RFC 9162, 2.1.4.1).

    Raises IndexError where the old tree is empty or larger, `TilesIncomplete`.
    """
    if not 0 < old_size <= size:
        raise IndexError(f"no tree of {old_size} leaves begins one of {size}")
    tree = _Tree(read_tile)
    path = []
    begin, end = 0, size
    whole = True  # what is left of the old tree is a node that its holder can make
    while old_size < end:
        middle = begin + _split(end - begin)
        if old_size <= middle:
            path.append(tree.root(middle, end))
            end = middle
        else:
            path.append(tree.root(begin, middle))
            begin = middle
            whole = False
    if not whole:
        path.append(tree.root(begin, end))
    return path[::-1]


@dataclass
class _Tree:
    """Subtrees' roots out of tiles, each tile read once."""

    read_tile: ReadTile
    _tiles: dict[tuple[int, int], bytes] = field(default_factory=dict)

    def root(self, begin: int, end: int) -> bytes:
        """Return the root over the leaves [begin, end), where `begin` suits the size as in RFC 9162."""
        peaks = []
        while begin < end:
            height = (end - begin).bit_length() - 1
            peaks.append(self._perfect(begin, height))
            begin += 1 << height
        root = peaks.pop()
        while peaks:
            root = node_hash(peaks.pop(), root)
        return root

    def _perfect(self, begin: int, height: int) -> bytes:
        level, above = divmod(height, TILE_HEIGHT)
        number, place = divmod(begin >> (TILE_HEIGHT * level), TILE)
        if (level, number) not in self._tiles:
            self._tiles[level, number] = self.read_tile(level, number)
        return perfect_root(_part(self._tiles[level, number], place, 1 << above))


def _part(tile: bytes, first: int, count: int) -> bytes:
    part = tile[first * HASH_BYTES : (first + count) * HASH_BYTES]
    if len(part) != count * HASH_BYTES:
        raise TilesIncomplete(f"a tile ends before its hash {first + count}")
    return part


def _split(count: int) -> int:
    """Return the largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)


def check_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that a leaf's hash stands at `index` below `root` (RFC 9162, 2.1.3.2).

    Raises `ProofInvalid`.
    """
    if not 0 <= index < size:
        raise ProofInvalid("the leaf lies outside the tree")
    found = leaf
    for step, is_left in _climb(index, size - 1, proof):
        found = node_hash(step, found) if is_left else node_hash(found, step)
    if found != root:
        raise ProofInvalid("the proof doesn't lead from the leaf to the root")


def check_consistency(
    old_size: int, old_root: bytes, size: int, root: bytes, proof: Iterable[bytes]
) -> None:
    """Check that the tree of `size` begins with the one of `old_size` (RFC 9162, 2.1.4.2).

    Raises `ProofInvalid`.
    """
    steps = list(proof)
    if not 0 < old_size <= size:
        raise ProofInvalid("the older tree is empty or larger")
    if old_size == size:
        if steps or old_root != root:
            raise ProofInvalid("two trees of one size differ")
        return
    if old_size & (old_size - 1) == 0:
        steps.insert(0, old_root)
    if not steps:
        raise ProofInvalid("the proof is too short")
    here, last = old_size - 1, size - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    old = new = steps[0]
    for step, is_left in _climb(here, last, steps[1:]):
        if is_left:
            old, new = node_hash(step, old), node_hash(step, new)
        else:
            new = node_hash(new, step)
    if old != old_root or new != root:
        raise ProofInvalid("the newer tree doesn't begin with the older one")


def _climb(here: int, last: int, steps: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Yield each step of a proof and whether it stands on the left, from a node up to the root.

    here, last: this node and the last one of its level. Raises `ProofInvalid` where the steps are more
    or fewer than the levels.
    """
    for step in steps:
        if last == 0:
            raise ProofInvalid("the proof is too long")
        is_left = bool(here & 1) or here == last
        yield step, is_left
        while is_left and here and not here & 1:
            here, last = here >> 1, last >> 1
        here, last = here >> 1, last >> 1
    if last:
        raise ProofInvalid("the proof is too short")
