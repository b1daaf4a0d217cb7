"""That one transfer is in the sealed log, in a form that anybody can check with a checkpoint."""

from dataclasses import dataclass
from uuid import UUID

from psycopg import sql
from sqlalchemy import text
from sqlalchemy.orm import Session

from ledger.checkpoints import latest_checkpoint
from ledger.copying import copied_lines
from ledger.leaves import LEAF_COLUMNS
from ledger.reasons import NothingSealed, UnknownTransfer
from ledger.sealing import driver, in_leaf_form, tiles_of
from sesame.platform.seal import consistency_proof, inclusion_proof, leaf_hash

_LEAF_OF = text("SELECT ledger.leaf_of(:id)")


@dataclass(frozen=True)
class Proof:
    """A transfer's leaf and the way from it to the root of a checkpoint.

    leaf: the line. index: its place from 0. path: hashes, as RFC 9162 orders them. note: the
    checkpoint of `size` leaves.
    """

    transfer_id: UUID
    leaf: bytes
    leaf_hash: bytes
    index: int
    size: int
    path: tuple[bytes, ...]
    note: str


def proof_for(session: Session, transfer_id: UUID) -> Proof | None:
    """Return the proof that a transfer is below the latest checkpoint; None while it isn't yet.

    Reads a few tiles, however long the log is. Raises `UnknownTransfer`.
    """
    connection = driver(session.connection())
    in_leaf_form(connection)
    query = sql.SQL("COPY (SELECT {} FROM ledger.every_transfer WHERE id = {}) TO STDOUT").format(
        sql.SQL(", ").join(map(sql.Identifier, LEAF_COLUMNS)), sql.Literal(transfer_id)
    )
    lines = list(copied_lines(connection, query))
    if not lines:
        raise UnknownTransfer()
    index = session.scalar(_LEAF_OF, {"id": transfer_id})
    checkpoint = latest_checkpoint(session)
    if index is None or checkpoint is None or index >= checkpoint.size:
        return None
    path = inclusion_proof(index, checkpoint.size, tiles_of(session))
    return Proof(
        *(transfer_id, lines[0], leaf_hash(lines[0]), index, checkpoint.size, tuple(path)),
        note=checkpoint.note,
    )


def consistency_between(session: Session, old_size: int, size: int) -> list[bytes]:
    """Return the proof that the log of `size` leaves begins with the one of `old_size`.

    Raises `NothingSealed` where the log hasn't as many leaves, or `old_size` isn't from 1 to `size`.
    """
    sealed = session.scalar(text("SELECT max(size) FROM ledger.seal_round")) or 0
    if not 0 < old_size <= size <= sealed:
        raise NothingSealed()
    return consistency_proof(old_size, size, tiles_of(session))
