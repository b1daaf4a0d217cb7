"""The seal judged from the rows alone: lines as PostgreSQL copies them out, hashed as RFC 9162 says."""

from hashlib import sha256

import psycopg

_LINES = """
    COPY (SELECT t.id, t.debit_account_id, t.credit_account_id, t.amount, t.kind, t.correlation_id,
                 t.corrects_id, t.hold_id, t.happened_at, t.counts_at, t.recorded_at, t.recorded_in
            FROM (SELECT id, ordinality + 256 * number AS place
                    FROM ledger.seal_bundle, unnest(transfer_ids) WITH ORDINALITY AS u(id)) leaf
            JOIN ledger.transfer t USING (id) ORDER BY leaf.place) TO STDOUT"""


def tree_hash(leaves: list[bytes]) -> bytes:
    """The Merkle tree hash of RFC 9162, section 2.1.1, over hashes of leaves; written for clarity."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + tree_hash(leaves[:half]) + tree_hash(leaves[half:])).digest()


def check_seal(connection: psycopg.Connection, *, whole: bool) -> int:
    """Compare what was sealed with the rows; with `whole`, every transfer must be in it. Gives its size."""
    with connection.transaction():
        connection.execute("SET LOCAL TimeZone = 'UTC'")
        connection.execute("SET LOCAL DateStyle = 'ISO'")
        with connection.cursor().copy(_LINES) as copied:
            lines = b"".join(copied).splitlines()
    hashes = connection.execute("SELECT hashes FROM ledger.seal_bundle ORDER BY number").fetchall()
    leaves = [sha256(b"\x00" + line).digest() for line in lines]
    assert b"".join(leaves) == b"".join(row[0] for row in hashes)
    assert len({line[:36] for line in lines}) == len(lines), "a transfer was sealed twice"
    size, root = connection.execute(
        "SELECT size, root FROM ledger.seal_round ORDER BY size DESC LIMIT 1"
    ).fetchone()
    assert size == len(leaves)
    assert root == tree_hash(leaves)
    transfers = connection.execute("SELECT count(*) FROM ledger.transfer").fetchone()[0]
    assert len(leaves) == transfers if whole else len(leaves) <= transfers
    return size
