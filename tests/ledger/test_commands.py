"""`sesame ledger`, as an auditor types it."""

import json

import psycopg
import pytest
from click.testing import CliRunner

from ledger.commands import ledger
from sesame.platform.command import process
from sesame.platform.ids import uuid7


@pytest.fixture
def run(settings, scheme, monkeypatch):
    monkeypatch.setenv("SESAME_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("SESAME_DATABASE_URL", settings.database_url)
    process.cache_clear()
    yield lambda *arguments: CliRunner().invoke(ledger, arguments)
    process().database.dispose()
    process.cache_clear()


def test_an_honest_book_is_verified(run, book):
    book.capture(1_240)
    told = run("verify")
    assert told.exit_code == 0
    assert told.output.splitlines()[0] == "3 transfers, 4 accounts"
    answer = json.loads(run("verify", "--json").output)
    assert answer["holds"] is True
    assert {finding["broken"] for finding in answer["findings"]} == {0}


def test_a_broken_book_is_told_with_the_row_and_ends_in_failure(run, book, test_database):
    with psycopg.connect(test_database.url("postgres"), autocommit=True) as connection:
        connection.execute(
            "UPDATE ledger.balance SET balance = balance + 1 WHERE account_id = %s",
            [book.entitlement],
        )
    told = run("verify")
    assert told.exit_code == 1
    assert "BROKEN by 1" in told.output
    assert str(book.entitlement) in told.output


def test_a_statement_lists_what_moved_and_what_is_left(run, book):
    book.capture(1_240)
    told = run("statement", str(book.entitlement))
    assert told.exit_code == 0
    assert "€57.60" in told.output
    answer = json.loads(run("statement", str(book.entitlement), "--json").output)
    assert answer["balance"] == 5_760
    assert sorted(line["amount"] for line in answer["movements"]) == [-1_240, 7_000]


def test_an_account_that_nobody_opened_has_an_empty_statement(run, book, at):
    answer = json.loads(run("statement", str(uuid7(at)), "--json").output)
    assert (answer["balance"], answer["movements"]) == (0, [])
