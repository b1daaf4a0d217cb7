"""The liquidation statement: each purchase once, each payee's due to the cent."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from ledger.accounting.documents import Document
from ledger.accounting.liquidation import liquidation
from ledger.accounting.liquidation_files import as_csv, as_json, as_pdf
from ledger.accounting.mandate import mandate
from ledger.accounting.rendering import rendering
from ledger.closings import close_books
from ledger.grants import post_ticket_grants
from ledger.statements.files import as_csv as as_table
from ledger.statements.statement import statement
from ledger.tickets import capture_tickets, refund_tickets
from sesame.platform.database import unit_of_work
from sesame.platform.ids import uuid7
from tests.ledger.accounting.conftest import NEXT_YEAR, NOW, PARIS, YEAR

MONTHS = [
    datetime(2026, month, 1, tzinfo=PARIS).astimezone(UTC) for month in range(1, 13)
] + [NEXT_YEAR]  # fmt: skip
APRIL = MONTHS[3]


def liquidate(region, since=YEAR, before=NEXT_YEAR):
    with region.database.sessions() as session:
        of = mandate(session, list(region.envelopes.values()), since=since, before=before)
        return liquidation(session, of)


def test_the_year_is_what_plain_sql_says(the_year):
    made = liquidate(the_year)
    totals = dict(
        the_year.sql(
            "SELECT CASE kind WHEN 'capture' THEN 'captured' ELSE 'given back' END, sum(amount)"
            "  FROM ledger.transfer WHERE kind IN ('capture', 'refund', 'cancellation')"
            "   AND counts_at >= %s AND counts_at < %s GROUP BY 1",
            YEAR,
            NEXT_YEAR,
        )
    )
    assert made.captured_cents == totals["captured"]
    assert made.given_back_cents == totals["given back"]
    assert (
        made.to_pay_cents - made.to_recover_cents
        == made.captured_cents - made.given_back_cents + made.carried_cents
    )


def test_the_months_of_a_year_hold_each_purchase_once(the_year):
    months = [liquidate(the_year, since, before) for since, before in pairwise(MONTHS)]
    held = [each.transfer_id for month in months for _due, each in month.operations()]
    expected = the_year.sql(
        "SELECT id FROM ledger.transfer WHERE kind IN ('capture', 'refund', 'cancellation')"
        " AND counts_at >= %s AND counts_at < %s",
        YEAR,
        NEXT_YEAR,
    )
    assert sorted(held) == sorted(each for (each,) in expected)
    assert sum(month.captured_cents for month in months) == liquidate(the_year).captured_cents


def test_a_payee_who_owes_makes_no_payment_smaller_and_is_carried(a_year):
    """Shop 2 gave 50 back after it was paid; it holds 5 of an unpaid sale."""
    april = liquidate(a_year, APRIL, MONTHS[4])
    by_shop = {due.payable_id: due for due in april.dues}
    assert by_shop[a_year.shops[0]].to_pay_cents == 333
    assert by_shop[a_year.shops[1]].to_pay_cents == 0
    assert by_shop[a_year.shops[1]].to_recover_cents == 50
    assert (april.to_pay_cents, april.to_recover_cents) == (333, 50)
    at = MONTHS[5] + timedelta(days=2)
    a_year.buy(a_year.old[0], a_year.shops[1], 60, at)
    june = liquidate(a_year, MONTHS[5], MONTHS[6])
    (due,) = june.dues
    # It was paid 10,000 of the 10,005 it had sold: it owes 45 in all.
    assert (due.carried_cents, due.captured_cents, due.to_pay_cents) == (-45, 60, 15)


def test_a_period_is_final_once_the_books_are_closed(a_year):
    assert liquidate(a_year, YEAR, APRIL).final is False
    with unit_of_work(a_year.database) as session:
        close_books(session, MONTHS[4], zone=PARIS, by=None, at=NOW)
    assert liquidate(a_year, YEAR, APRIL).final is True
    assert liquidate(a_year, YEAR, MONTHS[4]).final is True
    assert liquidate(a_year, YEAR, MONTHS[5]).final is False


def test_its_three_files_tell_the_same(the_year, pdf_text):
    made = liquidate(the_year)
    documents = (Document("arrêté 12.pdf", "Arrêté", date(2026, 1, 3), b"arrete"),)
    told = as_json(made, documents=documents)
    assert told["to_pay_cents"] == sum(payee["to_pay_cents"] for payee in told["payees"])
    named = dict.fromkeys(the_year.shops, "=Librairie <du Port>")
    text = as_csv(made, zone=PARIS, labels=lambda account, _kind: named[account])
    rows = list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert {row["Créancier"] for row in rows} == {"'=Librairie <du Port>"}
    listed = [each for payee in told["payees"] for each in payee["operations"]]
    assert [row["Écriture"] for row in rows] == [each["transfer"] for each in listed]
    assert [row["Montant"] for row in rows] == [
        f"{'-' if each['cents'] < 0 else ''}{abs(each['cents']) // 100},{abs(each['cents']) % 100:02d}"
        for each in listed
    ]
    printed = pdf_text(
        as_pdf(
            made, zone=PARIS, scheme_name="Val-d’Ambre", authority="Région", heading="7",
            documents=documents, labels=lambda account, _kind: named[account],
        )
    )  # fmt: skip
    euros = f"{made.to_pay_cents // 100},{made.to_pay_cents % 100:02d} €"
    grouped = euros if made.to_pay_cents < 100_000 else f"{euros[:-8]} {euros[-8:]}"
    assert f"Arrêté le présent état à la somme de {grouped}" in printed
    assert "Service fait certifié" in printed
    assert "Librairie <du Port>" in printed
    assert "Rubrique 7 (CGCT, art. D1617-19, annexe I)" in printed
    assert documents[0].sha256[:8] in printed
    assert "Provisoire" in printed


@pytest.mark.parametrize("seconds", [0, 1])
def test_what_counts_at_the_last_moment_belongs_to_the_next_period(a_year, seconds):
    a_year.buy(a_year.old[0], a_year.shops[0], 11, APRIL - timedelta(seconds=seconds))
    march = {each.cents for _due, each in liquidate(a_year, YEAR, APRIL).operations()}
    assert (11 in march) is (seconds == 1)


def test_tickets_are_liquidated_at_their_price_and_nothing_else_of_theirs_is(region):
    region.envelope("region", 100_000, YEAR)
    region.plan("card", [("region", 1)], YEAR)
    tickets, shop = uuid7(YEAR), region.payable(YEAR)
    at = YEAR + timedelta(days=3)
    later = at + timedelta(seconds=1)
    with unit_of_work(region.database) as session:
        post_ticket_grants(
            session, [tickets], [uuid7(YEAR)], [3], asset="CINEMA", unit_cents=1_200,
            share_plan_id=region.plans["card"], correlation_id=uuid7(YEAR), counts_at=YEAR, at=YEAR,
        )  # fmt: skip
        captured = capture_tickets(
            session, tickets, 2, payable=shop, price_cents=2_003,
            correlation_id=uuid7(at), counts_at=at, at=at,
        )  # fmt: skip
        refund_tickets(
            session,
            captured,
            1,
            price_cents=1_000,
            correlation_id=uuid7(later),
            counts_at=later,
            at=later,
        )
    (due,) = liquidate(region).dues
    assert [each.cents for each in due.operations] == [2_003, -1_000]
    assert due.to_pay_cents == 1_003
    with region.database.sessions() as session:
        of = mandate(session, list(region.envelopes.values()), since=YEAR, before=NEXT_YEAR)
        accounts = rendering(session, of)
    told = {each.kind: each.amount_cents for each in accounts.operations}
    assert (told["capture"], told["refund"], accounts.spent_cents) == (2_003, 1_000, 1_003)
    # Two tickets of 12.00 € cost 20.03 €: 3.97 € went back; with one, 2.00 € came out again.
    assert (told["release"], told["release_taken_back"]) == (397, 200)
    with region.database.sessions() as session:
        lines = "".join(as_table(statement(session, tickets, before=NEXT_YEAR), PARIS))
    assert [line.split(";")[4:7] for line in lines.split("\r\n")[2:-2]] == [
        ["3", "", "3"],
        ["", "2", "1"],
        ["1", "", "2"],
    ]
