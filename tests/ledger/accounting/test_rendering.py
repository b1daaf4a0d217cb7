"""The rendering of accounts: what D1611-25 asks for, reconciled to the cent with plain SQL."""

import csv
import hashlib
import io
from datetime import date
from zipfile import ZipFile

import psycopg
import pytest

from ledger.accounting.documents import Document
from ledger.accounting.mandate import mandate
from ledger.accounting.reasons import AccountsDontReconcile, DocumentsTwice, SirenInvalid
from ledger.accounting.rendering import rendering
from ledger.accounting.rendering_archive import Mandatary, write_rendering
from sesame.platform.ids import uuid7
from tests.ledger.accounting.conftest import NEXT_YEAR, PARIS, YEAR
from tests.ledger.accounting.fec_rules import anomalies, cents

BY = Mandatary("Opérateur <Jeunesse>", "732829320", "la Région Val-d’Ambre", "Carte Val-d’Ambre")
DOCUMENTS = (
    Document(
        "Convention de mandat.pdf", "Convention", date(2025, 11, 3), b"%PDF-1.7 une convention"
    ),
    Document("../../etc/passwd", "=Décision", date(2026, 1, 7), b"une decision"),
)


def whole(region, session):
    return mandate(session, list(region.envelopes.values()), since=YEAR, before=NEXT_YEAR)


def write(region, path, **options):
    with region.database.sessions() as session:
        options = {"by": BY, "zone": PARIS, "documents": DOCUMENTS} | options
        return write_rendering(session, whole(region, session), path, **options)


@pytest.fixture(scope="module")
def archive(the_year, tmp_path_factory):
    """A year's accounts, written and opened again."""
    path = tmp_path_factory.mktemp("accounts") / "reddition.zip"
    write(the_year, path)
    with ZipFile(path) as opened:
        yield opened


def table(archive, name):
    text = archive.read(name).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))


def signed(amount):
    return -cents(amount[1:]) if amount.startswith("-") else cents(amount)


def summed(region, kinds, since, before):
    return dict(
        region.sql(
            "SELECT kind, sum(amount) FROM ledger.transfer WHERE kind = ANY(%s)"
            " AND counts_at >= %s AND counts_at < %s GROUP BY kind",
            kinds, since, before,
        )
    )  # fmt: skip


def test_the_archive_holds_what_the_article_asks_for_in_its_order(archive):
    assert archive.namelist() == [
        "1-balance-generale.csv",
        "2-developpement-des-soldes.csv",
        "3-situation-de-tresorerie.csv",
        "4-creances-impayees.csv",
        "5-operations-par-nature.csv",
        "6-journal/732829320FEC20261231.txt",
        "6-journal/description.txt",
        "7-bordereau-des-pieces.csv",
        "pieces/Convention de mandat.pdf",
        "pieces/_.._etc_passwd",
        "0-bordereau.pdf",
        "empreintes-sha256.txt",
    ]


def test_every_file_has_its_fingerprint(archive):
    told = dict(
        reversed(line.split("  ", 1))
        for line in archive.read("empreintes-sha256.txt").decode().splitlines()
    )
    assert set(told) == set(archive.namelist()) - {"empreintes-sha256.txt"}
    for name, digest in told.items():
        assert hashlib.sha256(archive.read(name)).hexdigest() == digest


def test_the_cash_is_what_plain_sql_says_came_and_went(archive, the_year):
    rows = table(archive, "3-situation-de-tresorerie.csv")
    long_ago = YEAR.replace(year=2000)
    before = summed(the_year, ["fund", "settle"], long_ago, YEAR)
    during = summed(the_year, ["fund", "settle"], YEAR, NEXT_YEAR)
    assert signed(rows[0]["Solde"]) == before["fund"] == 500_000
    assert [(row["Nature"], signed(row["Sorties"])) for row in rows[1:-1]] == [
        ("Paiement exécuté", during["settle"])
    ]
    assert signed(rows[-1]["Solde"]) == 500_000 - 12_201


def test_the_balance_balances_and_its_parts_develop_it(archive, the_year):
    balance = {row["Compte"]: row for row in table(archive, "1-balance-generale.csv")}
    for side in ("Ouverture", "Clôture"):
        assert sum(cents(row[f"{side} débit"]) for row in balance.values()) == sum(
            cents(row[f"{side} crédit"]) for row in balance.values()
        )
    assert sum(cents(row["Débits"]) for row in balance.values()) == sum(
        cents(row["Crédits"]) for row in balance.values()
    )
    parts = table(archive, "2-developpement-des-soldes.csv")
    for number, row in balance.items():
        of_number = sum(
            signed(part["Solde de clôture"]) for part in parts if part["Compte"] == number
        )
        if number != "512100":
            assert of_number == cents(row["Clôture crédit"]) - cents(row["Clôture débit"])
    held = {
        str(account): total
        for account, total in the_year.sql(
            "SELECT id, sum(CASE WHEN credit_account_id = a.id THEN amount ELSE -amount END)"
            "  FROM ledger.account a JOIN (SELECT amount, counts_at, credit_account_id,"
            "       debit_account_id FROM ledger.transfer) t"
            "    ON a.id IN (t.credit_account_id, t.debit_account_id)"
            " WHERE counts_at < %s AND kind NOT IN ('funding', 'paid') GROUP BY id",
            NEXT_YEAR,
        )
        if total
    }
    assert {part["Compte auxiliaire"]: signed(part["Solde de clôture"]) for part in parts} == held


def test_operations_are_told_by_nature_and_never_netted(archive, the_year):
    told = {
        row["Nature"]: signed(row["Montant"])
        for row in table(archive, "5-operations-par-nature.csv")
    }
    kinds = ["grant", "capture", "refund", "cancellation", "remit", "settle", "expiry"]
    during = summed(the_year, kinds, YEAR, NEXT_YEAR)
    words = [
        "Attribution", "Encaissement", "Remboursement client", "Annulation", "Mise en paiement",
        "Paiement exécuté", "Fin de validité",
    ]  # fmt: skip
    assert told == dict(zip(words, (during[kind] for kind in kinds), strict=True))


def test_unpaid_claims_are_the_shop_that_owes_and_the_funder_to_be_called(archive, the_year):
    claims = {row["Débiteur"]: row for row in table(archive, "4-creances-impayees.csv")}
    shop, department = str(the_year.shops[1]), str(the_year.envelopes["department"])
    assert set(claims) == {shop, department}
    assert (claims[shop]["Nature"], signed(claims[shop]["Montant dû"])) == ("Trop-perçu", 45)
    assert signed(claims[department]["Montant dû"]) == -the_year.held(
        the_year.envelopes["department"]
    )


def test_the_journal_inside_breaks_no_rule(archive):
    content = archive.read("6-journal/732829320FEC20261231.txt")
    assert anomalies(content, date(2026, 1, 1), date(2026, 12, 31)) == []


def test_documents_are_listed_by_their_fingerprint_and_can_not_be_formulas(archive):
    listed = table(archive, "7-bordereau-des-pieces.csv")
    assert [row["Nature"] for row in listed] == ["Convention", "'=Décision"]
    for row in listed:
        content = archive.read(f"pieces/{row['Fichier']}")
        assert hashlib.sha256(content).hexdigest() == row["SHA-256"]


def test_the_summary_names_the_operator_the_totals_and_every_file(archive, pdf_text):
    text = pdf_text(archive.read("0-bordereau.pdf"))
    assert "Opérateur <Jeunesse>, mandataire de la Région Val-d’Ambre" in text
    assert "du 01/01/2026 au 31/12/2026" in text
    assert "4 877,99 €" in text
    for name in archive.namelist():
        if name not in {"0-bordereau.pdf", "empreintes-sha256.txt"}:
            assert name.split("/")[-1] in text, name
    assert "derniers comptes" not in text


def test_the_same_accounts_make_the_same_archive(the_year, tmp_path):
    first, second = tmp_path / "1.zip", tmp_path / "2.zip"
    write(the_year, first)
    write(the_year, second)
    assert first.read_bytes() == second.read_bytes()


def test_a_mandate_that_ended_says_that_these_are_its_last_accounts(the_year, tmp_path, pdf_text):
    write(the_year, tmp_path / "fin.zip", ended=True)
    with ZipFile(tmp_path / "fin.zip") as opened:
        assert "derniers comptes" in pdf_text(opened.read("0-bordereau.pdf"))


def test_bad_input_writes_nothing(the_year, tmp_path):
    path = tmp_path / "rien.zip"
    twice = (DOCUMENTS[0], Document("convention de mandat.pdf", "Avenant", date(2026, 1, 1), b""))
    with pytest.raises(DocumentsTwice):
        write(the_year, path, documents=twice)
    with pytest.raises(SirenInvalid):
        write(the_year, path, by=Mandatary("x", "123456789", "y", "z"))
    assert not path.exists()


def test_accounts_that_do_not_reconcile_are_not_rendered(a_year):
    """A database administrator sends a grant's money to nobody: it is not in the bank, nor anywhere."""
    with psycopg.connect(a_year.url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "UPDATE ledger.transfer SET credit_account_id = %s"
            " WHERE id = (SELECT id FROM ledger.transfer WHERE kind = 'expiry' LIMIT 1)",
            [uuid7(YEAR)],
        )
    with a_year.database.sessions() as session, pytest.raises(AccountsDontReconcile):
        rendering(session, whole(a_year, session))
