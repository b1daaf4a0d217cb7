"""Adding merchants, sites and payees."""

import psycopg
import pytest
from sqlalchemy import text

from merchants.directory.reasons import (
    FieldMalformed,
    FieldMissing,
    FieldTooLong,
    MerchantUnknown,
    PayeeUnknown,
    PayeeUnwritable,
    SiteExists,
)
from merchants.directory.register import (
    postal_address,
    register_merchant,
    register_payee,
    register_site,
)

SIREN, SIRET = "732829320", "73282932000074"
IBAN = "FR1420041010050500013M02606"
ADDRESS = ("4 place Royale", "67000", "Strasbourg")


def _merchant(session, at, **changed):
    fields = {"siren": SIREN, "name": " Le  Sablier ", "legal_form": None, "naf": None}
    return register_merchant(session, **{**fields, **changed}, at=at)


def _payee(session, merchant_id, at, **changed):
    fields = {"holder": "Le Sablier", "iban": IBAN, "bic": None}
    return register_payee(
        session,
        merchant_id=merchant_id,
        **{**fields, **changed},
        address=postal_address(*ADDRESS),
        at=at,
    )


def _site(session, merchant_id, payee_id, at, **changed):
    fields = {
        "siret": SIRET,
        "name": "Le Sablier",
        "address_line": ADDRESS[0],
        "postal_code": ADDRESS[1],
        "town": ADDRESS[2],
        "insee": "67482",
        "latitude": None,
        "longitude": None,
        "categories": ["comics", "books", "books"],
    }
    return register_site(
        session, merchant_id=merchant_id, payee_id=payee_id, **{**fields, **changed}, at=at
    )


def test_names_are_trimmed_and_a_merchant_is_one_by_siren(session, test_database, at):
    first = _merchant(session, at)
    assert _merchant(session, at, name="Another name") == first
    session.commit()
    with psycopg.connect(test_database.url()) as connection:
        assert connection.execute("SELECT siren, name FROM merchants.merchant").fetchall() == [
            (SIREN, "Le Sablier")
        ]


def test_a_merchant_without_a_name_is_refused(session, at):
    with pytest.raises(FieldMissing):
        _merchant(session, at, name="  ")


def test_a_holder_longer_than_a_bank_takes_is_refused(session, at):
    merchant = _merchant(session, at)
    with pytest.raises(FieldTooLong):
        _payee(session, merchant, at, holder="x" * 71)


@pytest.mark.parametrize(
    ("field", "holder", "town"),
    [("holder", "Βιβλιοπωλείο", "Riom"), ("holder", "…", "Riom"), ("town", "Le Sablier", "Θήβα")],
)
def test_a_payee_that_a_bank_file_could_not_name_is_refused(session, at, field, holder, town):
    merchant_id = _merchant(session, at)
    with pytest.raises(PayeeUnwritable) as refused:
        register_payee(
            session, merchant_id=merchant_id, holder=holder, iban=IBAN, bic=None,
            address=postal_address("4 place Royale", "63200", town), at=at,
        )  # fmt: skip
    assert refused.value.code == "payee_unwritable"
    assert refused.value.figures == {"field": field}
    assert session.execute(text("SELECT count(*) FROM merchants.payee")).scalar() == 0


def test_accents_and_signs_with_a_neighbour_are_no_reason_to_refuse(session, at):
    merchant_id = _merchant(session, at)
    assert _payee(session, merchant_id, at, holder="Œuvre & Épée №1")


def test_the_same_account_of_a_merchant_is_one_payee(session, at):
    merchant = _merchant(session, at)
    assert _payee(session, merchant, at) == _payee(session, merchant, at, iban=IBAN.lower())


def test_a_site_is_registered_once(session, at):
    merchant = _merchant(session, at)
    payee = _payee(session, merchant, at)
    _site(session, merchant, payee, at)
    with pytest.raises(SiteExists):
        _site(session, merchant, payee, at)


def test_a_site_belongs_to_the_merchant_of_its_siren(session, at):
    other = _merchant(session, at, siren="404833048")
    payee = _payee(session, other, at)
    with pytest.raises(MerchantUnknown):
        _site(session, other, payee, at)


def test_a_site_is_paid_to_its_own_merchant_s_payee(session, at):
    merchant = _merchant(session, at)
    stranger = _payee(session, _merchant(session, at, siren="404833048"), at)
    with pytest.raises(PayeeUnknown):
        _site(session, merchant, stranger, at)


@pytest.mark.parametrize(
    ("line", "number", "street"),
    [
        ("12 rue des Halles", "12", "rue des Halles"),
        ("12 bis rue des Halles", "12 bis", "rue des Halles"),
        ("12bis, rue des Halles", "12bis", "rue des Halles"),
        ("3B quai Nord", "3B", "quai Nord"),
        ("4 place Royale", "4", "place Royale"),
        ("Lieu-dit Les Aulnes", None, "Lieu-dit Les Aulnes"),
        ("Centre commercial 2000", None, "Centre commercial 2000"),
    ],
)
def test_the_number_is_taken_off_the_front_of_an_address(line, number, street):
    address = postal_address(line, "63000", "Clermont")
    assert (address.number, address.street) == (number, street)


@pytest.mark.parametrize("code", ["6300", "630000", "63 000", "ABCDE"])
def test_a_french_postal_code_has_five_digits(code):
    with pytest.raises(FieldMalformed):
        postal_address("1 rue X", code, "Clermont")


def test_the_database_refuses_what_the_rules_refuse(session, test_database, at):
    merchant = _merchant(session, at)
    payee = _payee(session, merchant, at)
    _site(session, merchant, payee, at)
    session.commit()
    wrong = [
        "UPDATE merchants.merchant SET siren = '73282932'",
        "UPDATE merchants.merchant SET name = ' x'",
        "UPDATE merchants.merchant SET state = 'gone'",
        "UPDATE merchants.payee SET iban = 'fr14'",
        "UPDATE merchants.payee SET holder = repeat('x', 71)",
        "UPDATE merchants.site SET siret = '1'",
        "UPDATE merchants.site SET latitude = 91",
    ]
    for statement in wrong:
        with (
            psycopg.connect(test_database.url()) as connection,
            pytest.raises(psycopg.errors.CheckViolation),
        ):
            connection.execute(statement)
