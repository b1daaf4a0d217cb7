"""An export on disk: its manifest, its lines in order, and each file checked against the manifest."""

import json
from array import array
from collections.abc import Iterator
from functools import cached_property
from hashlib import file_digest
from pathlib import Path
from typing import Any

from ledger.auditor.findings import AuditFailed
from sesame.platform.seal import HASH_BYTES, TILE, leaf_hash

FORMAT = "sesame-ledger-export/1"
MANIFEST = "manifest.json"
ACCOUNTS = "accounts.tsv"
ROUNDS = "rounds.tsv"
OUTSIDE = "outside.tsv"
LEAF_HASHES = "leaf-hashes.bin"
LEAF_IDS = "leaf-ids.txt"
KEY = "vkey"
CHECKPOINT = "checkpoint"
ID_LINE_BYTES = 37
PART_LEAVES = 1_000_000


def part_name(number: int) -> str:
    """Return the name of a file of transfers, from 1."""
    return f"transfers-{number:06d}.tsv"


class ExportFolder:
    """One export. Raises `AuditFailed` (export_truncated, export_damaged) when it isn't whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._bundles = array("Q")

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The manifest: it is written last, so an export without one was cut."""
        file = self.path / MANIFEST
        if not file.is_file():
            raise AuditFailed("export_truncated", f"{self.path} holds no {MANIFEST}")
        try:
            manifest = json.loads(file.read_text(encoding="utf-8"))
            known = manifest["format"] == FORMAT and all(
                isinstance(manifest[name], kind)
                for name, kind in {"size": int, "files": dict, "parts": list}.items()
            )
        except (ValueError, KeyError, TypeError):
            known = False
        if not known:
            raise AuditFailed("export_damaged", f"{file} isn't the manifest of an export")
        return dict(manifest)

    @property
    def size(self) -> int:
        """How many leaves the export says it holds."""
        return int(self.manifest["size"])

    def check_files(self) -> None:
        """Check every file's SHA-256. Raises `AuditFailed`."""
        for name, told in self.manifest["files"].items():
            file = self._whole(name)
            with file.open("rb") as content:
                if file_digest(content, "sha256").hexdigest() != told["sha256"]:
                    raise AuditFailed("export_damaged", f"{name} isn't what the manifest says")

    def is_cut(self) -> bool:
        """Return whether a file is missing, or is shorter than the manifest says."""
        return any(
            not (self.path / name).is_file() or (self.path / name).stat().st_size < told["bytes"]
            for name, told in self.manifest["files"].items()
        )

    def read(self, name: str) -> str:
        """Return a small file's text."""
        try:
            return self._there(name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise AuditFailed("export_damaged", f"{name} isn't text") from None

    def rows(self, name: str) -> Iterator[list[bytes]]:
        """Yield the fields of each line of a file."""
        with self._there(name).open("rb") as file:
            for line in file:
                yield self._ended(name, line)[:-1].split(b"\t")

    def lines(self) -> Iterator[bytes]:
        """Yield every transfer's line, in the order of the leaves, without its newline.

        Remembers where each bundle of 256 begins.
        """
        self._bundles = array("Q")
        leaf = 0
        for place, name in enumerate(self.manifest["parts"]):
            offset = 0
            with self._there(name).open("rb") as file:
                for line in file:
                    if leaf % TILE == 0:
                        self._bundles.append(place << 48 | offset)
                    offset += len(line)
                    leaf += 1
                    yield self._ended(name, line)[:-1]

    def bundle(self, number: int) -> bytes:
        """Return the leaf hashes of a bundle, made from its lines. Only after `lines` has run."""
        if number >= len(self._bundles):
            return b""
        parts = self.manifest["parts"]
        place, offset = divmod(self._bundles[number], 1 << 48)
        hashes: list[bytes] = []
        while len(hashes) < TILE and place < len(parts):
            with self._there(parts[place]).open("rb") as file:
                file.seek(offset)
                for line in file:
                    hashes.append(leaf_hash(line.removesuffix(b"\n")))
                    if len(hashes) == TILE:
                        break
            place, offset = place + 1, 0
        return b"".join(hashes)

    def sealed_hashes(self) -> Iterator[bytes]:
        """Yield the hashes as they were sealed, up to 256 at a time, one after the other."""
        with self._there(LEAF_HASHES).open("rb") as file:
            while hashes := file.read(TILE * HASH_BYTES):
                yield hashes

    def sealed_id(self, leaf: int) -> str:
        """Return the id of the transfer that was sealed as this leaf."""
        with self._there(LEAF_IDS).open("rb") as file:
            file.seek(leaf * ID_LINE_BYTES)
            return file.read(ID_LINE_BYTES - 1).decode("ascii", "replace")

    def _there(self, name: str) -> Path:
        if not isinstance(name, str) or "/" in name or "\\" in name or name.startswith("."):
            raise AuditFailed("export_damaged", "the manifest names a file outside the export")
        file = self.path / name
        if not file.is_file():
            raise AuditFailed("export_truncated", f"{name} is missing")
        return file

    def _whole(self, name: str) -> Path:
        file = self._there(name)
        if file.stat().st_size < self.manifest["files"][name]["bytes"]:
            raise AuditFailed("export_truncated", f"{name} is shorter than it was")
        return file

    def _ended(self, name: str, line: bytes) -> bytes:
        if not line.endswith(b"\n"):
            raise AuditFailed("export_truncated", f"{name} ends in the middle of a line")
        return line
