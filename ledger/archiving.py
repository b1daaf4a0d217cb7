"""Detaching a year from the book: what is written to stays small, what was written stays verifiable.

The year's table is no longer a part of `ledger.transfer`: no purchase plans for it, no index of it is
touched. It stays in the database, refused to every change as before; `ledger.every_transfer` shows it,
and verification and proofs read that. An export of the book up to then is made first, outside.
"""

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection, text

from ledger.auditor.export_folder import MANIFEST
from ledger.reasons import YearNotArchivable
from sesame.platform.database.connection import APPLICATION_ROLE, READER_ROLE

_TABLE = "ledger.transfer_{year}"
_STANDS_AGAINST = text(
    """
    SELECT NOT EXISTS (SELECT 1 FROM pg_inherits WHERE inhparent = 'ledger.transfer'::regclass
                          AND inhrelid = to_regclass(:table))
        OR :year_end > coalesce((SELECT max(counts_before) FROM ledger.checkpointing), '-infinity')
    """
)
_COUNTS_LATER = "SELECT count(*) FROM {table} WHERE counts_at >= (SELECT max(counts_before) FROM ledger.checkpointing)"
_UNSEALED = "SELECT count(*) FROM {table} WHERE ledger.leaf_of(id) IS NULL"


def check_archivable(connection: Connection, year: int) -> None:
    """Raise `YearNotArchivable` unless the year's table is attached, its balances are kept by a closing
    after its end, nothing in it counts later than that, and every line of it is sealed.
    """
    table = _TABLE.format(year=year)
    against = connection.scalar(
        _STANDS_AGAINST, {"table": table, "year_end": datetime(year + 1, 1, 1, tzinfo=UTC)}
    )
    if against or any(
        connection.scalar(text(query.format(table=table))) for query in (_COUNTS_LATER, _UNSEALED)
    ):
        raise YearNotArchivable(year=year)


def archive_year(connection: Connection, year: int, *, export: Path, at: datetime) -> int:
    """Detach a year, as the owner of the tables; return how many transfers it holds.

    export: the folder of the export that was made of the book with this year in it. Raises
    `YearNotArchivable`. One transaction: it waits for purchases under way, and they for it, briefly.
    """
    check_archivable(connection, year)
    table = _TABLE.format(year=year)
    manifest = sha256((export / MANIFEST).read_bytes()).digest()
    connection.execute(text(f"ALTER TABLE ledger.transfer DETACH PARTITION {table}"))
    connection.execute(
        text(
            f"CREATE TRIGGER archived_append_only BEFORE INSERT OR UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION platform.refuse_change()"
        )
    )
    transfers = int(connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)
    connection.execute(
        text(
            "INSERT INTO ledger.archived_year (year, transfers, export_manifest_sha256, archived_at)"
            " VALUES (:year, :transfers, :manifest, :at)"
        ),
        {"year": year, "transfers": transfers, "manifest": manifest, "at": at},
    )
    _show_every_transfer(connection)
    return transfers


def _show_every_transfer(connection: Connection) -> None:
    """Make the view anew: the book, and each year that was detached from it."""
    columns = ", ".join(
        connection.scalars(
            text(
                "SELECT attname FROM pg_attribute WHERE attrelid = 'ledger.transfer'::regclass"
                " AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
            )
        )
    )
    years = connection.scalars(text("SELECT year FROM ledger.archived_year ORDER BY year"))
    tables = ["ledger.transfer", *(_TABLE.format(year=year) for year in years)]
    every = " UNION ALL ".join(f"SELECT {columns} FROM {table}" for table in tables)
    connection.execute(text(f"CREATE OR REPLACE VIEW ledger.every_transfer AS {every}"))
    connection.execute(
        text(f"GRANT SELECT ON ledger.every_transfer TO {APPLICATION_ROLE}, {READER_ROLE}")
    )
