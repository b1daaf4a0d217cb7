"""Checkpoints of the sealed log: signed, kept, and given out so that nobody can rewrite the past.

One that has left the house is what catches a rewriting; kept beside the log it proves little. The key
is the installation's, made on first use under the name of the scheme's log.
"""

import re
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from ledger.model import Checkpoint, SealRound
from ledger.reasons import NothingSealed, SealBroken
from ledger.sealing import tiles_of
from ledger.timestamping import TimestampRefused, time_stamp
from sesame.platform.database import Database, unit_of_work
from sesame.platform.keys import keys_folder, write_secret
from sesame.platform.log import logger
from sesame.platform.scheme import Scheme, current_scheme
from sesame.platform.seal import (
    CheckpointMalformed,
    SigningKey,
    TilesIncomplete,
    new_signing_key,
    read_checkpoint,
    read_signing_key,
    root_of,
)
from sesame.platform.settings import Settings

_KEY_FILE = "ledger-seal.key"
_KEEP = text("SELECT ledger.keep_checkpoint(:size, :note, :time_stamp, :at)")


@dataclass(frozen=True)
class KeptCheckpoint:
    """A checkpoint as it is kept. note: its signed text. time_stamp: a DER time-stamp response."""

    size: int
    note: str
    time_stamp: bytes | None
    recorded_at: datetime


def log_key(settings: Settings, scheme: Scheme) -> SigningKey:
    """Return the key that signs the scheme's log, made the first time (mode 0600)."""
    path = keys_folder(settings) / _KEY_FILE
    if not path.exists():
        with suppress(FileExistsError):
            write_secret(path, f"{new_signing_key(_origin(scheme)).text}\n".encode())
    return _read(path)


def latest_checkpoint(session: Session) -> KeptCheckpoint | None:
    """Return the newest checkpoint; None before the first."""
    found = checkpoints(session, limit=1)
    return found[0] if found else None


def checkpoints(
    session: Session, *, below: int | None = None, limit: int = 100
) -> list[KeptCheckpoint]:
    """Return checkpoints, newest first. below: only those of fewer leaves, for the next page."""
    query = select(Checkpoint).order_by(Checkpoint.size.desc()).limit(limit)
    if below is not None:
        query = query.where(Checkpoint.size < below)
    return [
        KeptCheckpoint(row.size, row.note, row.time_stamp, row.recorded_at)
        for row in session.scalars(query)
    ]


def sign_checkpoint(database: Database, settings: Settings, *, at: datetime) -> KeptCheckpoint:
    """Sign what is sealed by now, unless it is signed already, and return the checkpoint.

    The log is checked first to still begin with the checkpoint before. The time stamp is asked for
    outside any transaction, and its failure is only logged. Raises `NothingSealed`, `SealBroken`.
    """
    with database.sessions() as session:
        scheme = current_scheme(session)
        last = session.scalar(select(SealRound).order_by(SealRound.size.desc()).limit(1))
        if last is None:
            raise NothingSealed()
        before = latest_checkpoint(session)
        if before is not None:
            _check(session, before.size, _root(before))
            if before.size == last.size:
                return before
        _check(session, last.size, last.root)
    note = log_key(settings, scheme).sign(last.size, last.root)
    stamp = _stamp(settings, note)
    with unit_of_work(database) as session:
        kept = {"size": last.size, "note": note, "time_stamp": stamp, "at": at}
        session.execute(_KEEP, kept)
    return KeptCheckpoint(last.size, note, stamp, at)


def _check(session: Session, size: int, root: bytes) -> None:
    try:
        found = root_of(size, tiles_of(session))
    except TilesIncomplete:
        raise SealBroken(size=size) from None
    if found != root:
        raise SealBroken(size=size)


def _root(kept: KeptCheckpoint) -> bytes:
    try:
        return read_checkpoint(kept.note).root
    except CheckpointMalformed:
        raise SealBroken(size=kept.size) from None


def _stamp(settings: Settings, note: str) -> bytes | None:
    if settings.timestamp_url is None:
        return None
    try:
        return time_stamp(settings.timestamp_url, note.encode())
    except TimestampRefused as refusal:
        logger().warning("checkpoint_not_time_stamped", why=str(refusal))
        return None


def _origin(scheme: Scheme) -> str:
    """Return the log's name: the scheme's, as in an address. It stays in the key for good."""
    plain = unicodedata.normalize("NFKD", scheme.name).encode("ascii", "ignore").decode().lower()
    return f"{re.sub('[^a-z0-9]+', '-', plain).strip('-') or scheme.issuer.lower()}/ledger"


def _read(path: Path) -> SigningKey:
    return read_signing_key(path.read_text(encoding="utf-8").strip())
