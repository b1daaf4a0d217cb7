"""A sealed book, its export, and a superuser who changes rows with every trigger off."""

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest

from ledger.auditor.program import main
from ledger.checkpoints import log_key, sign_checkpoint
from ledger.export import export_ledger
from ledger.sealing import seal
from sesame.platform.scheme import current_scheme


@dataclass
class SealedBook:
    """What the tests of the seal do to a book."""

    book: object
    database: object
    settings: object
    superuser_url: str
    folder: Path
    at: object
    exports: int = field(default=0)

    def captures(self, count):
        """Post captures of 1 to 5 cents: each in a transaction of its own, unless they are many."""
        if count <= 12:
            return [self.book.capture(1 + number % 5) for number in range(count)]
        book = self.book
        many = [
            book.transfer(book.entitlement, book.payable, 1 + number % 5) for number in range(count)
        ]
        book.post(*many)
        return many

    def seal(self):
        return seal(self.database, at=self.at)

    def sign(self):
        return sign_checkpoint(self.database, self.settings, at=self.at)

    def sealed_ids(self):
        """The transfers of the log in order, out of the table itself."""
        with psycopg.connect(self.database.url) as connection:
            rows = connection.execute("SELECT transfer_ids FROM ledger.seal_bundle ORDER BY number")
            return [each for row in rows for each in row[0]]

    @contextmanager
    def tampering(self):
        with psycopg.connect(self.superuser_url) as connection:
            connection.execute("SET session_replication_role = replica")
            yield connection

    def rebuild_the_seal(self):
        """Make every hash anew, as somebody would who holds the database and the signing key."""
        with self.tampering() as connection:
            for table in ("checkpoint", "seal_round", "seal_tile", "seal_bundle"):
                connection.execute(f"DELETE FROM ledger.{table}")
        self.seal()

    def export(self, *, part_leaves=1_000_000):
        """Seal, sign and export; return the export's folder and the checkpoint's file."""
        self.exports += 1
        self.seal()
        out = self.folder / f"export-{self.exports}"
        checkpoint = self.folder / f"checkpoint-{self.exports}.txt"
        with self.database.sessions() as session:
            key = log_key(self.settings, current_scheme(session))
        export_ledger(
            self.database,
            self.sign(),
            key,
            out=out,
            checkpoint_file=checkpoint,
            part_leaves=part_leaves,
        )
        return out, checkpoint


@pytest.fixture
def sealed(book, database, settings, test_database, tmp_path, at, scheme):
    return SealedBook(book, database, settings, test_database.url("postgres"), tmp_path, at)


@pytest.fixture
def sesame_verify(capsys):
    """Run the program; return what it ended with and what it printed."""

    def run(*arguments):
        code = 0
        try:
            main([os.fspath(each) for each in arguments])
        except SystemExit as ended:
            code = ended.code
        return code, capsys.readouterr().out

    return run


def plain_root(lines):
    """RFC 9162's root over lines, in its recursive words."""
    if len(lines) == 1:
        return sha256(b"\x00" + lines[0]).digest()
    half = 1 << ((len(lines) - 1).bit_length() - 1)
    return sha256(b"\x01" + plain_root(lines[:half]) + plain_root(lines[half:])).digest()
