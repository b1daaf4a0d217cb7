"""`sesame ledger fec | rendering | liquidation | call-for-funds`, as an accountant types them."""

import json
from datetime import date
from zipfile import ZipFile

import pytest

from ledger.accounting.reasons import MandateNotWhole, NothingToCall, SirenInvalid
from tests.ledger.accounting.fec_rules import anomalies

SIREN = "732829320"


@pytest.fixture
def envelopes(a_year):
    """The options that name the mandate's two envelopes."""
    both = (a_year.envelopes["region"], a_year.envelopes["department"])
    return ("--envelope", both[0], "--envelope", both[1])


def test_the_fec_of_a_year_is_written_with_its_description(run, envelopes, tmp_path):
    out = tmp_path / "fec"
    told = run("fec", *envelopes, "--year", 2026, "--siren", SIREN, "--out", out, "--json")
    assert told.exit_code == 0, told.exception
    journal = out / f"{SIREN}FEC20261231.txt"
    assert json.loads(told.output) == {
        "journal": str(journal),
        "description": str(out / f"{SIREN}FEC20261231-description.txt"),
        "lines": 40,
    }
    assert anomalies(journal.read_bytes(), date(2026, 1, 1), date(2026, 12, 31)) == []
    assert len(list(out.iterdir())) == 2


def test_a_fec_that_is_refused_writes_nothing(run, a_year, envelopes, tmp_path):
    out = tmp_path / "fec"
    alone = ("--envelope", a_year.envelopes["region"])
    told = run("fec", *alone, "--year", 2026, "--siren", SIREN, "--out", out)
    assert isinstance(told.exception, MandateNotWhole)
    told = run("fec", *envelopes, "--year", 2026, "--siren", "123456789", "--out", out)
    assert isinstance(told.exception, SirenInvalid)
    assert not out.exists()


def test_the_accounts_of_a_year_are_rendered_with_their_documents(run, envelopes, tmp_path):
    piece = tmp_path / "convention.pdf"
    piece.write_bytes(b"%PDF-1.7")
    out = tmp_path / "reddition.zip"
    told = run(
        "rendering", *envelopes, "--year", 2026, "--siren", SIREN, "--operator", "Opérateur",
        "--principal", "Région", "--document", piece, "Convention", "2025-11-03", "--last",
        "--out", out, "--json",
    )  # fmt: skip
    assert told.exit_code == 0, told.exception
    answer = json.loads(told.output)
    assert (answer["paid_cents"], answer["held_cents"]) == (12_201, 487_799)
    with ZipFile(out) as archive:
        assert "pieces/convention.pdf" in archive.namelist()
        assert {each["name"] for each in answer["files"]} < set(archive.namelist())


def test_a_liquidation_is_written_in_each_form(run, envelopes, tmp_path, pdf_text):
    asked = ("liquidation", *envelopes, "--from", "2026-01-01", "--to", "2027-01-01")
    answer = json.loads(run(*asked).output)
    assert answer["to_pay_cents"] > 0
    assert run(*asked, "--format", "csv").output.startswith("\ufeffCompte du créancier;")
    page = tmp_path / "etat.pdf"
    told = run(*asked, "--format", "pdf", "--authority", "Région Val-d’Ambre", "--out", page)
    assert told.exit_code == 0, told.exception
    assert "Région Val-d’Ambre" in pdf_text(page.read_bytes())


def test_a_call_for_funds_is_made_once(run, a_year):
    asked = (
        "call-for-funds", "--envelope", a_year.envelopes["department"],
        "--paying", a_year.envelopes["region"], "--before", "2026-11-01",
    )  # fmt: skip
    answer = json.loads(run(*asked).output)
    kept = a_year.sql("SELECT id::text, called_cents FROM ledger.call_for_funds")
    assert kept == [(answer["id"], answer["called_cents"])]
    assert isinstance(run(*asked).exception, NothingToCall)
    assert a_year.sql("SELECT count(*) FROM ledger.call_for_funds") == [(1,)]
