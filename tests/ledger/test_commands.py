"""`sesame ledger`, as an auditor types it."""

import json

import psycopg


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
