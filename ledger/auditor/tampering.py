"""Naming what was done to an export's lines, by the hashes as they were sealed."""

from hashlib import sha256

from ledger.auditor.export_folder import ExportFolder
from ledger.auditor.findings import AuditFailed
from sesame.platform.seal import HASH_BYTES, Frontier


def sealed_root(folder: ExportFolder, size: int) -> bytes:
    """Return the root over the first `size` hashes that lie beside the lines."""
    frontier = Frontier()
    for hashes in folder.sealed_hashes():
        left = size - frontier.size
        frontier.append(hashes[: left * HASH_BYTES])
        if frontier.size == size:
            break
    return frontier.root()


def name_the_first(folder: ExportFolder, leaf: int) -> AuditFailed:
    """Return what happened at `leaf`, the first whose line doesn't hash to what was sealed."""
    line = next((each for place, each in enumerate(folder.lines()) if place == leaf), None)
    wanted = _sealed_hash(folder, leaf)
    if line is None:
        if folder.is_cut():
            return AuditFailed("export_truncated", f"the export ends after {leaf} transfers")
        return _missing(folder.sealed_id(leaf))
    found = line[:36].decode("ascii", "replace")
    if wanted is None:
        return _inserted(found)
    sealed = folder.sealed_id(leaf)
    if found == sealed:
        return AuditFailed("transfer_altered", f"{sealed} isn't as it was sealed", (sealed,))
    later = _looked_for(folder, leaf, sha256(b"\x00" + line).digest())
    there = _line_elsewhere(folder, sealed, wanted)
    if later and there == "same":
        return AuditFailed(
            "transfers_swapped", f"{found} stands where {sealed} was sealed", (sealed, found)
        )
    if later and there == "none":
        return _missing(sealed)
    if not later and there == "same":
        return _inserted(found)
    return AuditFailed(
        "transfer_altered", f"{sealed} isn't as it was sealed: {found} is there", (sealed, found)
    )


def _missing(sealed: str) -> AuditFailed:
    return AuditFailed("transfer_missing", f"{sealed} was sealed and is gone", (sealed,))


def _inserted(found: str) -> AuditFailed:
    return AuditFailed("transfer_inserted", f"{found} was never sealed", (found,))


def _sealed_hash(folder: ExportFolder, leaf: int) -> bytes | None:
    begin = 0
    for hashes in folder.sealed_hashes():
        end = begin + len(hashes) // HASH_BYTES
        if leaf < end:
            return hashes[(leaf - begin) * HASH_BYTES :][:HASH_BYTES]
        begin = end
    return None


def _looked_for(folder: ExportFolder, leaf: int, wanted: bytes) -> bool:
    """Return whether a hash was sealed after `leaf`."""
    begin = 0
    for hashes in folder.sealed_hashes():
        for place in range(0, len(hashes), HASH_BYTES):
            if hashes[place : place + HASH_BYTES] == wanted and begin + place // HASH_BYTES > leaf:
                return True
        begin += len(hashes) // HASH_BYTES
    return False


def _line_elsewhere(folder: ExportFolder, transfer: str, sealed_hash: bytes) -> str:
    """Return whether another line is of this transfer: the "same" as sealed, "other", or "none"."""
    start = transfer.encode()
    for line in folder.lines():
        if line.startswith(start):
            return "same" if sha256(b"\x00" + line).digest() == sealed_hash else "other"
    return "none"
