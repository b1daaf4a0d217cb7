"""The file for a bookkeeper: each sale once, opaque ids, French figures."""

import csv
import io
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from merchants.reimbursements.runs import StatementRow, statement_rows
from merchants.reimbursements.statement import statement_csv

PARIS = ZoneInfo("Europe/Paris")


def read(lines):
    return list(csv.DictReader(io.StringIO("".join(lines)), delimiter=";"))


def test_each_sale_and_refund_of_a_run_stands_once(region, session, draft):
    envelope, shop, cinema = region.envelope(region.funder()), region.payee(), region.payee()
    sales = {
        region.sale(shop, envelope, 1_000): "10,00",
        region.sale(shop, envelope, -5): "-0,05",
        region.sale(cinema, envelope, 705): "7,05",
    }
    rows = read(statement_csv(statement_rows(session, draft()), PARIS))
    assert {UUID(row["operation"]): row["montant_eur"] for row in rows} == sales
    assert len(rows) == len(sales)
    assert {row["virement"] for row in rows} == {
        reference for (reference,) in region.rows("SELECT end_to_end_id FROM merchants.remittance")
    }


def test_one_payments_rows_are_its_own(region, session, draft):
    envelope, shop, cinema = region.envelope(region.funder()), region.payee(), region.payee()
    sale = region.sale(shop, envelope, 1_000)
    region.sale(cinema, envelope, 705)
    run_id = draft()
    remittance_id = region.value("SELECT id FROM merchants.remittance WHERE payee_id = %s", shop)
    assert [row.transfer_id for row in statement_rows(session, run_id, remittance_id)] == [sale]


def test_nothing_about_a_person_is_in_it(region, session, draft):
    envelope, shop = region.envelope(region.funder()), region.payee("Odile Vannier")
    region.sale(shop, envelope, 1_000)
    written = "".join(statement_csv(statement_rows(session, draft()), PARIS))
    iban = region.value("SELECT iban FROM merchants.payee")
    assert "Vannier" not in written
    assert iban not in written
    assert str(shop) not in written


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "2026-10-25T02:30:00+02:00"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "2026-10-25T02:30:00+01:00"),
        (datetime(2027, 3, 28, 1, 0, tzinfo=UTC), "2027-03-28T03:00:00+02:00"),
    ],
)
def test_times_are_the_schemes_and_the_repeated_hour_is_told_apart(moment, written):
    row = StatementRow("E2E", UUID(int=1), moment, 1)
    assert read(statement_csv([row], PARIS))[0]["date"] == written
