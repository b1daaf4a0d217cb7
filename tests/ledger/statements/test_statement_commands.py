"""`sesame ledger statement`, as an accountant types it."""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from ledger.reasons import UnknownAccount
from ledger.statements.moments import parse_moment, year_of
from ledger.statements.reasons import MomentInvalid, PeriodInvalid
from sesame.platform.ids import uuid7


def test_a_statement_lists_what_moved_and_what_is_left(run, book):
    book.capture(1_240)
    told = run("statement", book.entitlement, "--to", "2026-11-25")
    assert told.exit_code == 0
    assert told.output.splitlines()[-1].split() == ["Solde", "de", "clôture", "57,60", "€"]
    answer = json.loads(run("statement", book.entitlement, "--to", "2026-11-25", "--json").output)
    assert answer["closing"] == 5_760
    assert [(line["in"], line["out"]) for line in answer["lines"]] == [(7_000, 0), (0, 1_240)]


def test_a_statement_is_written_to_a_file_that_nobody_else_reads(run, book, tmp_path, pdf_text):
    book.capture(1_240)
    table, page = tmp_path / "releve.csv", tmp_path / "releve.pdf"
    options = ("statement", book.payable, "--from", "2026-11-01", "--to", "2026-12-01")
    assert run(*options, "--format", "csv", "--out", table).output == f"{table}\n"
    assert table.read_bytes().startswith(b"\xef\xbb\xbfDate;")
    assert table.stat().st_mode & 0o077 == 0
    assert run(*options, "--format", "pdf", "--out", page).exit_code == 0
    assert "Solde de clôture 12,40 €" in pdf_text(page.read_bytes())


def test_the_recorded_clock_and_what_was_known_are_asked_for(run, book):
    book.capture(1_240)
    told = ("statement", book.payable, "--to", "2026-11-25", "--json")
    assert json.loads(run(*told, "--clock", "recorded").output)["clock"] == "recorded"
    known = json.loads(run(*told, "--known", "2026-11-24T09:59").output)
    assert (known["lines"], known["closing"]) == ([], 0)


@pytest.mark.parametrize(
    ("arguments", "refused"),
    [
        (("--to", "demain"), MomentInvalid),
        (("--from", "2026-11-25", "--to", "2026-11-25"), PeriodInvalid),
        (("--from", "2026-13-01",), MomentInvalid),
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_refused(run, book, arguments, refused):
    told = run("statement", book.payable, *arguments)
    assert isinstance(told.exception, refused)
    assert told.output == ""


def test_an_account_that_nobody_opened_has_no_statement(run, book):
    assert isinstance(run("statement", uuid7(book.at)).exception, UnknownAccount)


def test_a_day_begins_in_the_schemes_zone():
    paris = ZoneInfo("Europe/Paris")
    assert parse_moment("2026-07-01", paris) == datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert parse_moment("2026-07-01T08:00", paris) == datetime(2026, 7, 1, 6, tzinfo=UTC)
    assert parse_moment("2026-07-01T08:00Z", paris) == datetime(2026, 7, 1, 8, tzinfo=UTC)
    assert year_of(2026, paris) == (
        datetime(2025, 12, 31, 23, tzinfo=UTC),
        datetime(2026, 12, 31, 23, tzinfo=UTC),
    )
