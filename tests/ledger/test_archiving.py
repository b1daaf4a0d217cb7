"""A year is detached from the book, and goes on being verified."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from sqlalchemy import create_engine

from ledger.archiving import archive_year, check_archivable
from ledger.checkpoints import log_key, sign_checkpoint
from ledger.closings import checkpoint_balances, close_books
from ledger.export import export_ledger
from ledger.proofs import proof_for
from ledger.reasons import YearNotArchivable
from ledger.sealing import seal
from ledger.statements import balances
from ledger.verify import verify
from sesame.platform.database import unit_of_work
from sesame.platform.database.connection import OWNER_ROLE
from sesame.platform.scheme import current_scheme

PARIS = ZoneInfo("Europe/Paris")
FEBRUARY = datetime(2027, 2, 1, tzinfo=PARIS).astimezone(UTC)


@pytest.fixture
def years(book, scheme, settings, test_database, tmp_path):
    """Two years of a book: the first can be closed, sealed and detached."""
    made = Years(book, settings, test_database, tmp_path)
    yield made
    made.owner.dispose()


class Years:
    def __init__(self, book, settings, test_database, folder):
        self.book, self.settings, self.folder = book, settings, folder
        self.first = [book.capture(100 + number) for number in range(3)]
        self.at = FEBRUARY + timedelta(days=3)
        self.second = book.capture(1_000, at=self.at)
        url = test_database.url(OWNER_ROLE).replace("postgresql", "postgresql+psycopg", 1)
        self.owner = create_engine(url)
        self.superuser = test_database.url("postgres")

    def close(self):
        with unit_of_work(self.book.database) as session:
            close_books(session, FEBRUARY, zone=PARIS, by=None, at=self.at)
            checkpoint_balances(session, FEBRUARY, at=self.at)

    def archive(self):
        export = self.folder / "export"
        with self.book.database.sessions() as session:
            key = log_key(self.settings, current_scheme(session))
        export_ledger(
            self.book.database,
            sign_checkpoint(self.book.database, self.settings, at=self.at),
            key,
            out=export,
            checkpoint_file=self.folder / "checkpoint",
        )
        with self.owner.begin() as connection:
            return archive_year(connection, 2026, export=export, at=self.at)

    def check(self):
        with self.owner.connect() as connection:
            check_archivable(connection, 2026)

    def verified(self):
        with self.book.database.sessions() as session:
            return verify(session)


def test_a_detached_year_is_still_verified(years):
    years.close()
    seal(years.book.database, at=years.at)
    before = years.book.summed(years.book.entitlement)
    assert years.archive() == 5
    assert years.book.rows("SELECT count(*) FROM ledger.transfer") == [(1,)]
    assert years.book.rows("SELECT count(*) FROM ledger.every_transfer") == [(6,)]
    found = years.verified()
    assert found.holds, [each for each in found.findings if each.broken]
    assert found.transfers == 6
    accounts = [years.book.entitlement, years.book.payable, years.book.funding]
    with years.book.database.sessions() as session:
        assert proof_for(session, years.first[0].id) is not None
        assert balances(session, accounts) == {
            years.book.entitlement: before,
            years.book.payable: 303 + 1_000,
            years.book.funding: -100_000,
        }


def test_what_is_changed_in_a_detached_year_is_seen(years):
    years.close()
    seal(years.book.database, at=years.at)
    years.archive()
    with psycopg.connect(years.superuser) as connection:
        with pytest.raises(psycopg.Error) as refused:
            connection.execute("UPDATE ledger.transfer_2026 SET amount = amount + 1")
        assert refused.value.sqlstate == "SP001"
        connection.rollback()
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "UPDATE ledger.transfer_2026 SET amount = 7 WHERE id = %s", [years.first[1].id]
        )
    named = {example for each in years.verified().findings for example in each.examples}
    assert str(years.first[1].id) in named


@pytest.mark.parametrize("lacking", ["closing", "seal"])
def test_a_year_that_is_open_or_not_sealed_stays(years, lacking):
    if lacking == "seal":
        years.close()
    else:
        seal(years.book.database, at=years.at)
    with pytest.raises(YearNotArchivable):
        years.check()


def test_a_year_is_detached_once(years):
    years.close()
    seal(years.book.database, at=years.at)
    years.archive()
    with pytest.raises(YearNotArchivable):
        years.check()
