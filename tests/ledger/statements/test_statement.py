"""Statements: opening, lines, closing; on either clock; as it was known; in three formats."""

import csv
import io
import json
import subprocess
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from sqlalchemy import text

from ledger.closings import checkpoint_balances, close_books
from ledger.reasons import UnknownAccount
from ledger.statements import files
from ledger.statements.as_of import balances_as_of
from ledger.statements.files import as_csv, as_json, as_pdf
from ledger.statements.paper import html_to_pdf
from ledger.statements.reasons import PeriodInvalid, StatementTooLong
from ledger.statements.statement import statement
from ledger.statements.words import KIND_WORDS, inert
from ledger.transfers import NewTransfer, post
from sesame.platform.database import unit_of_work
from sesame.platform.ids import uuid7

PARIS = ZoneInfo("Europe/Paris")
DAY = timedelta(days=1)


@pytest.fixture
def busy(book):
    """The small book, with a purchase a day for forty days, the third of which came ten days late."""
    moments = [book.at + DAY * n for n in range(1, 41)]
    for number, moment in enumerate(moments, start=1):
        late = 10 * DAY if number % 3 == 0 else timedelta(0)
        transfer = NewTransfer(
            uuid7(moment), book.entitlement, book.payable, number, "capture", uuid7(moment), moment,
            moment - DAY if number == 5 else None,
        )  # fmt: skip
        with unit_of_work(book.database) as session:
            post(session, [transfer], at=moment + late)
    return book


def tell(book, account, **options):
    with book.database.sessions() as session:
        told = statement(session, account, **options)
        return told, list(told.lines)


def plain_sum(database, account, clock, before, known=None):
    """An account's balance by plain SQL, knowing nothing of checkpoints."""
    column = "counts_at" if clock == "counted" else "recorded_at"
    with psycopg.connect(database.url("postgres")) as connection:
        return connection.execute(
            "SELECT coalesce(sum(CASE WHEN credit_account_id = %(account)s THEN amount ELSE -amount END), 0)"
            "  FROM ledger.transfer WHERE %(account)s IN (credit_account_id, debit_account_id)"
            f" AND {column} < %(before)s AND recorded_at < coalesce(%(known)s::timestamptz, 'infinity')",
            {"account": account, "before": before, "known": known},
        ).fetchone()[0]


@pytest.mark.parametrize("on", ["counted", "recorded"])
def test_opening_and_lines_make_the_closing_on_either_clock(busy, test_database, on):
    told_lines = 0
    for from_day, to_day in ((None, 50), (8, 20), (20, 21), (45, 60), (None, 0)):
        since = None if from_day is None else busy.at + DAY * from_day
        before = busy.at + DAY * to_day
        for known in (None, busy.at + DAY * 12, busy.at + DAY * 25):
            for account in (busy.entitlement, busy.payable, busy.envelope):
                told, lines = tell(
                    busy, account, since=since, before=before, clock=on, known_before=known
                )
                opening = 0
                if since is not None:
                    opening = plain_sum(test_database, account, on, since, known)
                closing = plain_sum(test_database, account, on, before, known)
                assert told.opening == opening
                assert opening + sum(line.amount for line in lines) == closing
                assert not lines or lines[-1].balance == closing
                moments = [
                    line.counts_at if on == "counted" else line.recorded_at for line in lines
                ]
                assert moments == sorted(moments)
                told_lines += len(lines)
    assert told_lines > 190


def test_a_line_says_when_it_counts_when_it_happened_and_when_it_was_recorded(busy):
    _told, lines = tell(busy, busy.payable, before=busy.at + 60 * DAY)
    fifth, sixth = lines[4], lines[5]
    assert fifth.own_date == fifth.counts_at - DAY
    assert sixth.recorded_at == sixth.counts_at + 10 * DAY
    assert sixth.own_date == sixth.counts_at
    assert (sixth.came_in, sixth.went_out, sixth.counterpart_id) == (6, 0, busy.entitlement)


def test_a_statement_told_as_it_was_known_never_changes(busy):
    known = busy.at + 20 * DAY
    before = busy.at + 30 * DAY
    told = tell(busy, busy.payable, before=before, known_before=known)[1]
    late = NewTransfer(
        uuid7(known), busy.entitlement, busy.payable, 999, "capture", uuid7(known), known
    )
    with unit_of_work(busy.database) as session:
        post(session, [late], at=before)
    assert tell(busy, busy.payable, before=before, known_before=known)[1] == told
    assert tell(busy, busy.payable, before=before)[1] != told


def test_checkpoints_change_nothing_but_the_time_it_takes(busy, test_database):
    closed = datetime(2026, 12, 1, tzinfo=PARIS).astimezone(UTC)
    recorded = closed + 60 * DAY
    with unit_of_work(busy.database) as session:
        close_books(session, closed, zone=PARIS, by=None, at=recorded)
    with unit_of_work(busy.database) as session:
        assert checkpoint_balances(session, closed, at=recorded) > 0
    accounts = [busy.entitlement, busy.payable, busy.envelope, busy.funding]
    for counted in (closed - DAY, closed, closed + DAY, None):
        for known in (closed, recorded - DAY, recorded, None):
            with busy.database.sessions() as session:
                found = balances_as_of(
                    session, accounts, counted_before=counted, recorded_before=known
                )
            far = busy.at + 9_999 * DAY
            assert found == {
                each: plain_sum(test_database, each, "counted", counted or far, known)
                for each in accounts
            }
    since = closed + DAY
    told, _lines = tell(busy, busy.payable, since=since, before=since + 9 * DAY)
    assert told.opening == plain_sum(test_database, busy.payable, "counted", since)


def test_an_account_that_does_not_exist_and_a_period_that_can_not_be_are_refused(book):
    with pytest.raises(UnknownAccount):
        tell(book, uuid7(book.at), before=book.at)
    wrong = [
        {"since": book.at, "before": book.at},
        {"since": book.at + DAY, "before": book.at},
        {"before": book.at.replace(tzinfo=None)},
        {"before": book.at, "known_before": book.at.replace(tzinfo=None)},
    ]
    for options in wrong:
        with pytest.raises(PeriodInvalid):
            tell(book, book.payable, **options)


def test_json_and_csv_say_what_the_lines_say(busy):
    with busy.database.sessions() as session:
        since, before = busy.at + 3 * DAY, busy.at + 30 * DAY
        lines = list(statement(session, busy.payable, since=since, before=before).lines)
        as_text = "".join(as_json(statement(session, busy.payable, since=since, before=before)))
        table = "".join(as_csv(statement(session, busy.payable, since=since, before=before), PARIS))
    told = json.loads(as_text)
    assert (
        told["opening"] + sum(each["in"] - each["out"] for each in told["lines"]) == told["closing"]
    )
    assert [each["transfer"] for each in told["lines"]] == [str(line.transfer_id) for line in lines]
    assert told["unit"] == "cents"
    assert table.startswith("\ufeffDate;")
    rows = list(csv.DictReader(io.StringIO(table[1:], newline=""), delimiter=";"))
    assert table.count("\r\n") == len(rows) + 1
    assert rows[0]["Nature"] == "Solde d’ouverture"
    assert rows[-1]["Solde"] == f"{told['closing'] // 100},{told['closing'] % 100:02d}"
    assert rows[1]["Date"] == f"{lines[0].counts_at.astimezone(PARIS):%d/%m/%Y}"
    cents = [int(row["Entrée"].replace(",", "")) for row in rows[1:-1]]
    assert cents == [line.amount for line in lines]


def test_the_day_of_a_line_is_the_schemes_on_both_nights_of_the_clock_change(book):
    for moment, day in (
        (datetime(2027, 3, 28, 0, 59, tzinfo=UTC), "28/03/2027"),
        (datetime(2027, 3, 28, 22, 30, tzinfo=UTC), "29/03/2027"),
        (datetime(2027, 10, 30, 22, 30, tzinfo=UTC), "31/10/2027"),
        (datetime(2027, 10, 31, 22, 59, tzinfo=UTC), "31/10/2027"),
    ):
        transfer = NewTransfer(
            uuid7(moment), book.entitlement, book.payable, 1, "capture", uuid7(moment), moment
        )
        with unit_of_work(book.database) as session:
            post(session, [transfer], at=moment)
            told = statement(session, book.payable, since=moment, before=moment + DAY / 24)
            assert f"\r\n{day};{day};" in "".join(as_csv(told, PARIS))


def test_a_printed_statement_says_the_totals_and_every_line(busy, pdf_text):
    with busy.database.sessions() as session:
        told = statement(session, busy.payable, since=busy.at, before=busy.at + 60 * DAY)
        printed = as_pdf(told, PARIS, scheme_name="Région <Val-d’Ambre>")
    words = pdf_text(printed)
    assert "Région <Val-d’Ambre>" in words
    assert words.count("Encaissement enregistré le") == 40
    assert "du 28/11/2026" in words
    assert "Solde de clôture 8,20 €" in words
    assert "Page 2 sur 2" in words


def test_the_type_is_the_houses_and_is_inside(tmp_path):
    path = tmp_path / "a.pdf"
    path.write_bytes(html_to_pdf("<p>Œuf à 12,40 € <b>ſĳ Łódź</b></p>"))
    told = subprocess.run(["pdffonts", path], capture_output=True, check=True, text=True).stdout
    assert {line.split()[0].split("+")[1][:12] for line in told.splitlines()[2:]} == {
        "Atkinson-Hyp"
    }
    assert told.count(" yes yes yes ") == len(told.splitlines()) - 2


def test_a_document_fetches_nothing(tmp_path, pdf_text):
    told = tmp_path / "secret.html"
    told.write_text("secret")
    page = f'<p>lisible</p><img src="file://{told}"><link rel="stylesheet" href="http://127.0.0.1:9/x">'
    assert pdf_text(html_to_pdf(page)).split() == ["lisible", "·", "Page", "1", "sur", "1"]


def test_a_statement_too_long_to_read_is_refused_as_a_pdf(busy, monkeypatch):
    monkeypatch.setattr(files, "MOST_PDF_LINES", 39)
    with busy.database.sessions() as session:
        told = statement(session, busy.payable, before=busy.at + 60 * DAY)
        with pytest.raises(StatementTooLong):
            as_pdf(told, PARIS, scheme_name="x")


def test_every_kind_of_transfer_has_its_words(test_database):
    with psycopg.connect(test_database.url("postgres")) as connection:
        rule = connection.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = 'ledger.transfer'::regclass AND conname = 'ck_transfer_kind'"
        ).fetchone()[0]
    kinds = set(rule.split("'")[1::2])
    assert len(kinds) == 13
    assert kinds <= set(KIND_WORDS)


@pytest.mark.parametrize("text", ["=1+1", "+33", "-2", "@SUM(A1)", "\tx", "\rx"])
def test_a_label_never_becomes_a_formula(text):
    assert inert(text) == f"'{text}"
    assert inert("Librairie = 2") == "Librairie = 2"


def test_a_long_statement_is_streamed(book, test_database):
    """Its lines stay in the database behind a cursor, and are fetched as they are taken."""
    with psycopg.connect(test_database.url("postgres")) as connection:
        connection.execute(
            "INSERT INTO ledger.transfer (id, debit_account_id, credit_account_id, amount, kind,"
            " correlation_id, counts_at, recorded_at)"
            " SELECT gen_random_uuid(), %s, %s, 1, 'capture', %s, %s, %s FROM generate_series(1, 6000)",
            [book.entitlement, book.payable, uuid7(book.at), book.at, book.at],
        )
    cursors = text("SELECT count(*) FROM pg_cursors WHERE name <> ''")
    with book.database.sessions() as session:
        lines = statement(session, book.payable, before=book.at + DAY).lines
        first = next(lines)
        assert session.scalar(cursors) == 1
        rest = list(lines)
        assert session.scalar(cursors) == 0
    assert (first.balance, rest[-1].balance, len(rest)) == (1, 6_000, 5_999)
