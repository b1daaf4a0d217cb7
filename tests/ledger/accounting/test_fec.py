"""The FEC of a mandate, judged by its rules on the bytes and by plain SQL."""

from collections import defaultdict
from datetime import date, timedelta

import pytest

from ledger.accounting.chart import Chart, ChartAccount
from ledger.accounting.fec import clean, description, fec, file_name, last_day
from ledger.accounting.mandate import mandate
from ledger.accounting.reasons import ChartInvalid, MandateNotWhole, NotAnEnvelope, SirenInvalid
from ledger.statements.reasons import PeriodInvalid
from tests.ledger.accounting.conftest import NEXT_YEAR, PARIS, YEAR
from tests.ledger.accounting.fec_rules import FILE_NAME, anomalies, cents, rows

FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)


def write(region, **options):
    with region.database.sessions() as session:
        of = mandate(
            session,
            [region.envelopes["region"], region.envelopes["department"]],
            since=YEAR,
            before=NEXT_YEAR,
        )
        return b"".join(fec(session, of, zone=PARIS, **options))


def test_a_year_of_a_mandate_breaks_no_rule(the_year):
    content = write(the_year)
    assert anomalies(content, FIRST, LAST) == []
    assert len(rows(content)) == 40


def test_the_file_holds_every_transfer_of_the_year_once_and_no_other(the_year):
    told = rows(write(the_year))
    entries = [row for row in told if row["JournalCode"] != "AN"]
    expected = the_year.sql(
        "SELECT count(*), sum(amount) FROM ledger.transfer WHERE counts_at >= %s AND counts_at < %s",
        YEAR,
        NEXT_YEAR,
    )
    assert (len(entries) / 2, sum(cents(row["Debit"]) for row in entries)) == expected[0]


def test_every_account_begins_with_what_it_held_and_ends_with_what_it_holds(the_year):
    told = rows(write(the_year))
    opening, closing = defaultdict(int), defaultdict(int)
    for row in told:
        moved = cents(row["Credit"]) - cents(row["Debit"])
        closing[row["CompAuxNum"]] += moved
        if row["JournalCode"] == "AN":
            opening[row["CompAuxNum"]] += moved
    query = """
        SELECT a.id::text, coalesce(sum(CASE WHEN t.credit_account_id = a.id THEN t.amount
                                             ELSE -t.amount END), 0)
          FROM ledger.account a JOIN ledger.transfer t ON a.id IN (t.credit_account_id, t.debit_account_id)
         WHERE t.counts_at < %s AND a.kind NOT IN ('funding', 'paid') GROUP BY a.id"""
    for moment, found in ((YEAR, opening), (NEXT_YEAR, closing)):
        held = {account.replace("-", ""): total for account, total in the_year.sql(query, moment)}
        for account in {*held, *found} - {""}:
            assert found[account] == held.get(account, 0), account
        # What the bank holds is what everybody else is owed.
        assert -found[""] == sum(held.values())


def test_the_sale_of_march_that_came_in_april_has_both_dates(the_year):
    (late, _) = [
        row for row in rows(write(the_year)) if cents(row["Debit"]) + cents(row["Credit"]) == 333
    ]
    assert late["PieceDate"] < late["EcritureDate"]
    assert late["ValidDate"] == late["EcritureDate"]


def test_nothing_of_other_peoples_money_is_an_expense_or_an_income(the_year):
    told = rows(write(the_year))
    assert {row["CompteNum"][0] for row in told} == {"4", "5"}
    assert {row["JournalCode"] for row in told} == {"AN", "BQ", "AT", "DP", "VT"}


@pytest.mark.parametrize(
    "label",
    [
        "Librairie\tdu | Port",
        "L’Œuf à la coque, été 2026 — 50 €",
        "Łódź Księgarnia 書店 📚",
        "une ligne\r\nune autre\x00\x1f\u2028fin",
        '="HYPERLINK(1)";"x',
        " \t ",
    ],
)
def test_no_label_can_break_the_file(the_year, label):
    content = write(the_year, labels=lambda account, kind: label if kind == "payable" else None)
    assert anomalies(content, FIRST, LAST) == []
    assert len(rows(content)) == len(rows(write(the_year)))


def test_a_label_keeps_what_the_encoding_can_say():
    assert clean("L’Œuf à la coque — 50 €") == "L'Œuf à la coque - 50 €"
    assert clean("Łódź 書") == "?ódz ?"
    assert clean("a\t|\r\n b") == "a b"


def test_a_payee_is_named_where_the_room_above_names_it(the_year):
    told = rows(write(the_year, labels=lambda _account, kind: f"Nom {kind}"))
    assert {row["CompAuxLib"] for row in told if row["CompteNum"] == "467400"} == {"Nom payable"}


def test_an_operator_may_have_its_own_numbers(the_year):
    accounts = Chart().accounts | {"payable": ChartAccount("4679FOU", "Fournisseurs du mandat")}
    told = rows(write(the_year, chart=Chart(accounts)))
    assert "4679FOU" in {row["CompteNum"] for row in told}


@pytest.mark.parametrize("number", ["606000", "51", "4A7000", "512000"])
def test_a_chart_stays_in_the_classes_of_third_parties(number):
    with pytest.raises(ChartInvalid):
        Chart(Chart().accounts | {"payable": ChartAccount(number, "Faux")})


def test_the_file_is_named_after_the_operator_and_the_last_day(the_year):
    with the_year.database.sessions() as session:
        of = mandate(session, list(the_year.envelopes.values()), since=YEAR, before=NEXT_YEAR)
    name = file_name("732 829 320", last_day(of, PARIS))
    assert FILE_NAME.fullmatch(name)
    assert name == "732829320FEC20261231.txt"
    with pytest.raises(SirenInvalid):
        file_name("732829321", LAST)


def test_the_description_that_comes_with_it_says_every_field_journal_and_account(the_year):
    with the_year.database.sessions() as session:
        of = mandate(session, list(the_year.envelopes.values()), since=YEAR, before=NEXT_YEAR)
    told = description(of, zone=PARIS).decode("iso8859-15")
    row = rows(write(the_year))[0]
    assert all(f"\r\n{name} : " in told for name in row)
    assert "ISO 8859-15" in told
    assert "tabulation" in told
    used = {(each["JournalCode"], each["CompteNum"]) for each in rows(write(the_year))}
    for code, number in used:
        assert f"\r\n{code} : " in told
        assert f"\r\n{number} : " in told


def test_an_envelope_that_pays_with_another_is_no_account_by_itself(the_year):
    region, department = the_year.envelopes["region"], the_year.envelopes["department"]
    with the_year.database.sessions() as session, pytest.raises(MandateNotWhole) as refused:
        mandate(session, [region], since=YEAR, before=NEXT_YEAR)
    assert str(department) in str(refused.value.figures["others"])
    assert str(region) not in str(refused.value.figures["others"])


def test_a_payment_that_joins_two_programmes_joins_their_accounts(a_year):
    at = YEAR + timedelta(days=200)
    other = a_year.envelope("other", 10_000, at)
    a_year.plan("other", [("other", 1)], at)
    (entitlement,) = a_year.grant("other", [900], at)
    shop = a_year.payable(at)
    a_year.buy(entitlement, shop, 900, at)
    with a_year.database.sessions() as session:
        assert mandate(session, [other], since=YEAR, before=NEXT_YEAR).envelopes == (other,)
    a_year.pay({shop: 900, a_year.shops[0]: 333}, at)
    with a_year.database.sessions() as session, pytest.raises(MandateNotWhole) as refused:
        mandate(session, [other], since=YEAR, before=NEXT_YEAR)
    # The Department's meets it only through the Region's.
    for name in ("region", "department"):
        assert str(a_year.envelopes[name]) in str(refused.value.figures["others"])


def test_a_mandate_is_of_envelopes_and_of_a_period(the_year):
    with the_year.database.sessions() as session:
        for wrong in ([], [the_year.shops[0]]):
            with pytest.raises(NotAnEnvelope):
                mandate(session, wrong, since=YEAR, before=NEXT_YEAR)
        with pytest.raises(PeriodInvalid):
            mandate(session, list(the_year.envelopes.values()), since=YEAR, before=YEAR)


def test_the_checker_sees_what_is_wrong(the_year):
    """The referee itself: each rule broken in turn is told."""
    good = write(the_year)
    lines = good.decode("iso8859-15").split("\r\n")
    fields = lines[1].split("\t")

    def broken(position, value):
        changed = fields.copy()
        changed[position] = value
        return "\r\n".join([lines[0], "\t".join(changed), *lines[2:]]).encode("iso8859-15")

    for position, value in (
        (3, "20270101"),
        (4, "5"),
        (9, "2026-01-01"),
        (11, "1.5"),
        (12, "3,00"),
    ):
        assert anomalies(broken(position, value), FIRST, LAST), position
    missing = "\r\n".join([*lines[:9], *lines[11:]]).encode("iso8859-15")
    assert anomalies(missing, FIRST, LAST)
    swapped = "\r\n".join([lines[0], *lines[-3:-1], *lines[1:-3], ""]).encode("iso8859-15")
    assert any("order" in each for each in anomalies(swapped, FIRST, LAST))
