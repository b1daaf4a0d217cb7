"""The tree against RFC 9162's own recursive words, and Certificate Transparency's published roots."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sesame.platform.seal import (
    EMPTY_ROOT,
    Frontier,
    ProofInvalid,
    TilesIncomplete,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
)

# The eight entries and roots of certificate-transparency's reference tests.
ENTRIES = [
    bytes.fromhex(each)
    for each in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


def largest_power_below(count):
    return 1 << ((count - 1).bit_length() - 1)


def mth(entries):
    """RFC 9162, 2.1.1."""
    if not entries:
        return sha256().digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    k = largest_power_below(len(entries))
    return sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


def path(m, entries):
    """RFC 9162, 2.1.3.1."""
    if len(entries) == 1:
        return []
    k = largest_power_below(len(entries))
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def subproof(m, entries, whole):
    """RFC 9162, 2.1.4.1."""
    if m == len(entries):
        return [] if whole else [mth(entries)]
    k = largest_power_below(len(entries))
    if m <= k:
        return [*subproof(m, entries[:k], whole), mth(entries[k:])]
    return [*subproof(m - k, entries[k:], False), mth(entries[:k])]


class Log:
    """The tiles of a list of entries, appended in pieces."""

    def __init__(self, entries, pieces=(1_000_000,)):
        self.frontier, self.tiles, self.reads = Frontier(), {}, 0
        begin, turn = 0, 0
        while begin < len(entries):
            piece = entries[begin : begin + pieces[turn % len(pieces)]]
            for level, number, new in self.frontier.append(b"".join(map(leaf_hash, piece))):
                self.tiles[level, number] = self.tiles.get((level, number), b"") + new
            begin += len(piece)
            turn += 1

    def read(self, level, number):
        self.reads += 1
        return self.tiles.get((level, number), b"")


def entries_of(count):
    return [str(number).encode() for number in range(count)]


def test_the_roots_are_those_of_certificate_transparency():
    assert Frontier().root() == EMPTY_ROOT == sha256(b"").digest()
    for count, root in enumerate(ROOTS, start=1):
        log = Log(ENTRIES[:count], pieces=(1,))
        assert log.frontier.root().hex() == root
        assert mth(ENTRIES[:count]).hex() == root


SIZES = (1, 2, 3, 7, 255, 256, 257, 511, 512, 769)


@pytest.mark.parametrize("size", SIZES)
def test_every_proof_is_the_recursive_definitions(size):
    entries = entries_of(size)
    log = Log(entries, pieces=(100, 3, 256, 1))
    root = mth(entries)
    assert log.frontier.root() == root == root_of(size, log.read)
    for index in {0, 1, size // 2, size - 2, size - 1} & set(range(size)):
        proof = inclusion_proof(index, size, log.read)
        assert proof == path(index, entries)
        check_inclusion(leaf_hash(entries[index]), index, size, proof, root)
    for old in {1, 2, size // 2, 256, size - 1, size} & set(range(1, size + 1)):
        proof = consistency_proof(old, size, log.read)
        assert proof == subproof(old, entries, True)
        check_consistency(old, mth(entries[:old]), size, root, proof)
        assert root_of(old, log.read) == mth(entries[:old])


@settings(max_examples=60, deadline=None)
@given(
    size=st.integers(1, 700),
    pieces=st.lists(st.integers(1, 300), min_size=1, max_size=4),
    data=st.data(),
)
def test_a_proof_holds_for_its_own_leaf_place_and_root_alone(size, pieces, data):
    entries = entries_of(size)
    log = Log(entries, pieces)
    root = mth(entries)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, log.read)
    leaf = leaf_hash(entries[index])
    check_inclusion(leaf, index, size, proof, root)
    old = data.draw(st.integers(1, size))
    consistency = consistency_proof(old, size, log.read)
    check_consistency(old, mth(entries[:old]), size, root, consistency)

    other = sha256(b"other").digest()
    wrong = [
        (other, index, size, proof, root),
        (leaf, index, size, proof, other),
        (leaf, size, size, proof, root),
        (leaf, index, size, [*proof, other], root),
    ]
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        wrong.append((leaf, index, size, proof[:-1], root))
        wrong.append((leaf, index, size, [*proof[:place], other, *proof[place + 1 :]], root))
    for arguments in wrong:
        with pytest.raises(ProofInvalid):
            check_inclusion(*arguments)
    old_root = mth(entries[:old])
    wrong = [
        (old, other, size, root, consistency),
        (old, old_root, size, other, consistency),
        (0, EMPTY_ROOT, size, root, []),
        (size + 1, old_root, size, root, consistency),
        (old, old_root, size, root, [*consistency, other]),
    ]
    if consistency:
        wrong.append((old, old_root, size, root, consistency[:-1]))
        wrong.append((old, old_root, size, root, []))
    for arguments in wrong:
        with pytest.raises(ProofInvalid):
            check_consistency(*arguments)


def test_a_proof_in_a_log_of_seventy_thousand_reads_a_handful_of_tiles():
    entries = entries_of(70_000)
    log = Log(entries)
    for index in (0, 40_000, 69_999):
        log.reads = 0
        proof = inclusion_proof(index, 70_000, log.read)
        assert log.reads <= 5
        check_inclusion(leaf_hash(entries[index]), index, 70_000, proof, log.frontier.root())
    log.reads = 0
    consistency_proof(65_537, 70_000, log.read)
    assert log.reads <= 5


def test_a_place_outside_and_a_tile_cut_short_are_refused():
    log = Log(entries_of(300))
    for index in (-1, 300):
        with pytest.raises(IndexError):
            inclusion_proof(index, 300, log.read)
    for old in (0, 301):
        with pytest.raises(IndexError):
            consistency_proof(old, 300, log.read)
    log.tiles[0, 1] = log.tiles[0, 1][:-32]
    with pytest.raises(TilesIncomplete):
        root_of(300, log.read)
