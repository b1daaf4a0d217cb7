"""A retry is normal: the same key and content get the first answer, other content a conflict."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from sesame.platform.problems import IdempotencyConflict

_CLAIM = text("SELECT ledger.claim_key(:scope, :key, :content_hash, :outcome, :at)").bindparams(
    bindparam("outcome", type_=JSONB)
)
_FIND = text("SELECT ledger.find_outcome(:scope, :key)")


@dataclass(frozen=True)
class Kept:
    """What is kept under a key: the hash of what was asked, and what was answered."""

    content_hash: bytes
    outcome: dict[str, Any]

    def outcome_for(self, content_hash: bytes) -> dict[str, Any]:
        """Return the first answer if the content is the same. Raises `IdempotencyConflict`."""
        if self.content_hash != content_hash:
            raise IdempotencyConflict()
        return self.outcome


def content_hash(*parts: bytes) -> bytes:
    """Return the SHA-256 of what is asked; each part counts with its length."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


def claim(
    session: Session, scope: str, key: str, hashed: bytes, outcome: dict[str, Any], *, at: datetime
) -> dict[str, Any] | None:
    """Take `key` for this content with `outcome`; return None, or the first answer of a retry.

    Waits for another transaction that is claiming the same key. Raises `IdempotencyConflict`.
    """
    kept = session.scalar(
        _CLAIM,
        {"scope": scope, "key": key, "content_hash": hashed, "outcome": outcome, "at": at},
    )
    return None if kept is None else read_kept(kept).outcome_for(hashed)


def find(session: Session, scope: str, key: str) -> Kept | None:
    """Return what is kept under `key`, or None."""
    kept = session.scalar(_FIND, {"scope": scope, "key": key})
    return None if kept is None else read_kept(kept)


def read_kept(kept: dict[str, Any]) -> Kept:
    """Return the SQL functions' JSON as `Kept`."""
    return Kept(bytes.fromhex(kept["content_hash"]), kept["outcome"])
