"""The audit: one pass over an export's lines, held against checkpoints and against what was sealed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice

from ledger.auditor.export_folder import ExportFolder
from ledger.auditor.findings import AuditFailed
from ledger.auditor.replay import Replay, replay_of
from ledger.auditor.tampering import name_the_first, sealed_root
from sesame.platform.seal import HASH_BYTES, TILE, Checkpoint, Frontier


@dataclass(frozen=True)
class Audited:
    """What was verified. roots: of the tree at each checkpoint's size. tree: its nodes above bundles."""

    folder: ExportFolder
    transfers: int
    places: dict[bytes, int]
    _tiles: dict[tuple[int, int], bytes]

    def tile(self, level: int, number: int) -> bytes:
        """Return the hashes of a tile of the export's tree, made from its lines."""
        return self._tiles.get((level, number), b"") if level else self.folder.bundle(number)


@dataclass
class _Pass:
    """What one pass over the lines found out."""

    roots: dict[int, bytes]
    places: dict[bytes, int]
    tiles: dict[tuple[int, int], bytes]
    frontier: Frontier
    differs_at: int | None = None


def audit(
    folder: ExportFolder, checkpoints: Sequence[Checkpoint], wanted: Sequence[str] = ()
) -> Audited:
    """Check an export against checkpoints whose signatures were checked; the first is the one asked for.

    wanted: ids of transfers whose place in the log is to be told. Raises `AuditFailed`.
    """
    largest = max(checkpoint.size for checkpoint in checkpoints)
    if largest > folder.size:
        code = "export_truncated" if folder.is_cut() else "checkpoint_beyond_export"
        raise AuditFailed(
            code, f"the checkpoint is of {largest} transfers, the export holds {folder.size}"
        )
    book = replay_of(folder)
    found = _pass(folder, book, {each.size for each in checkpoints}, frozenset(wanted))
    wrong = [each for each in checkpoints if found.roots.get(each.size) != each.root]
    if wrong:
        _explain(folder, checkpoints, wrong, found)
    if found.differs_at is not None:
        if folder.is_cut():
            raise AuditFailed("export_truncated", "a file is shorter than it was")
        if found.differs_at < largest:
            raise AuditFailed(
                "export_damaged", "the hashes beside the transfers aren't those that were sealed"
            )
        raise name_the_first(folder, found.differs_at)
    folder.check_files()
    _check_outside(folder)
    book.end_round()
    if book.unsound is not None:
        raise book.unsound
    return Audited(folder, found.frontier.size, found.places, found.tiles)


def _pass(folder: ExportFolder, book: Replay, sizes: set[int], wanted: frozenset[str]) -> _Pass:
    found = _Pass({}, {}, {}, Frontier())
    ids = {each.encode() for each in wanted}
    sealed = folder.sealed_hashes()
    for lines in _bundles(folder):
        hashes = b"".join([sha256(b"\x00" + line).digest() for line in lines])
        if found.differs_at is None:
            found.differs_at = _difference(found.frontier.size, hashes, next(sealed, b""))
        if ids:
            here = enumerate(lines, found.frontier.size)
            found.places.update((line[:36], leaf) for leaf, line in here if line[:36] in ids)
        _grow(found, hashes, sizes)
        book.take(lines)
    if found.differs_at is None and (more := next(sealed, b"")):
        found.differs_at = _difference(found.frontier.size, b"", more)
    return found


def _grow(found: _Pass, hashes: bytes, sizes: set[int]) -> None:
    """Append a bundle's hashes to the tree, and note its root at the sizes in between."""
    begin, end = found.frontier.size, found.frontier.size + len(hashes) // HASH_BYTES
    stops = sorted(size for size in sizes if begin < size <= end)
    for stop in (*stops, end):
        part = hashes[(found.frontier.size - begin) * HASH_BYTES : (stop - begin) * HASH_BYTES]
        for level, number, new in found.frontier.append(part):
            if level:
                found.tiles[level, number] = found.tiles.get((level, number), b"") + new
        if stop in sizes:
            found.roots[stop] = found.frontier.root()


def _bundles(folder: ExportFolder) -> Iterator[list[bytes]]:
    lines = folder.lines()
    while bundle := list(islice(lines, TILE)):
        yield bundle


def _difference(leaf: int, made: bytes, sealed: bytes) -> int | None:
    """Return the first leaf whose hash isn't the sealed one; None when they are the same."""
    if made == sealed:
        return None
    for begin in range(0, max(len(made), len(sealed)), HASH_BYTES):
        if made[begin : begin + HASH_BYTES] != sealed[begin : begin + HASH_BYTES]:
            return leaf + begin // HASH_BYTES
    return None


def _explain(
    folder: ExportFolder, checkpoints: Sequence[Checkpoint], wrong: list[Checkpoint], found: _Pass
) -> None:
    """Raise what happened to the lines, as the checkpoints `wrong` don't lead to them."""
    if found.differs_at is not None:
        # The hashes as they were sealed name the transfer, if they are those of a checkpoint.
        if any(sealed_root(folder, each.size) == each.root for each in wrong):
            raise name_the_first(folder, found.differs_at)
        if folder.is_cut():
            raise AuditFailed("export_truncated", "the export is shorter than it was")
    sizes = [each.size for each in wrong]
    first_wrong = min(sizes)
    right = [
        each.size for each in checkpoints if each.size not in sizes and each.size < first_wrong
    ]
    since = max(right, default=0)
    raise AuditFailed(
        "history_rewritten",
        f"the transfers from leaf {since + 1} to leaf {first_wrong} aren't those that were sealed,"
        " and their hashes were made anew",
    )


def _check_outside(folder: ExportFolder) -> None:
    """Raise where the book holds transfers that should be in the log and aren't."""
    for fields in folder.rows("outside.tsv"):
        about = fields[0].decode("ascii", "replace")
        raise AuditFailed(
            "transfer_inserted", f"{about} was put into the book past the seal", (about,)
        )
