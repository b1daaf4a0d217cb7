"""The bank file of a run: valid, of the run's figures, the same bytes for ever."""

import hashlib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from lxml import etree

from merchants.reimbursements.export import export_run, run_file
from merchants.reimbursements.reasons import (
    BankFileChanged,
    RunNotApproved,
    RunNotExported,
    RunUnknown,
)
from sesame.platform.database import unit_of_work
from sesame.platform.ids import uuid7

NS = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"}


@pytest.fixture
def run_id(region, draft):
    envelope = region.envelope(region.funder())
    for holder, cents in (("Librairie de l'Épée", 5_760), ("Cinéma & Cie", 1_205)):
        payee = region.payee(holder)
        region.sale(payee, envelope, cents)
        region.sale(payee, envelope, 5)
    return draft()


@pytest.fixture
def export(database, settings, at):
    def do(run_id, at=at):
        with unit_of_work(database) as session:
            return export_run(session, settings, run_id, at)

    return do


def texts(tree, path):
    return tree.xpath(f"{path}/text()", namespaces=NS)


def test_the_file_says_what_the_rows_say(region, settings, run_id, approve, export):
    approve(run_id)
    tree = etree.parse(export(run_id))
    etree.XMLSchema(
        etree.parse(settings.real_data / "iso20022-xsd" / "pain.001.001.09.xsd")
    ).assertValid(tree)
    (total, count, message_id), *_ = region.rows(
        "SELECT total_cents, remittance_count, message_id FROM merchants.run"
    )
    amounts = [Decimal(each) for each in texts(tree, "//p:InstdAmt")]
    assert sum(amounts) * 100 == total == 6_975
    assert texts(tree, "//p:GrpHdr/p:CtrlSum") == ["69.75"]
    assert texts(tree, "//p:GrpHdr/p:NbOfTxs") == [str(count)]
    assert texts(tree, "//p:MsgId") == [message_id]
    paid = zip(
        texts(tree, "//p:EndToEndId"), texts(tree, "//p:CdtrAcct//p:IBAN"), amounts, strict=True
    )
    assert sorted((ref, iban, int(amount * 100)) for ref, iban, amount in paid) == sorted(
        region.rows("SELECT end_to_end_id, iban, amount_cents FROM merchants.remittance")
    )
    assert all(message_id in each for each in texts(tree, "//p:Ustrd"))


def test_exporting_again_gives_the_same_bytes_and_changes_nothing(
    region, run_id, approve, export, at
):
    approve(run_id)
    path = export(run_id)
    first, row = path.read_bytes(), region.rows("SELECT * FROM merchants.run")
    path.unlink()
    assert export(run_id, at=at + timedelta(days=400)) == path
    assert path.read_bytes() == first
    assert region.rows("SELECT * FROM merchants.run") == row
    assert region.value("SELECT file_sha256 FROM merchants.run") == hashlib.sha256(first).digest()
    assert region.value("SELECT count(*) FROM ledger.transfer WHERE kind = 'remit'") == 2


def test_a_partner_who_changes_bank_after_the_approval_changes_no_byte(
    region, run_id, approve, export
):
    approve(run_id)
    path = export(run_id)
    first = path.read_bytes()
    region.connection.execute("UPDATE merchants.payee SET iban = 'FR7630006000011234567890189'")
    region.connection.execute("UPDATE cardsvc.funder SET name = 'Autre'")
    assert export(run_id).read_bytes() == first


def test_the_file_is_for_its_owner_alone_and_nothing_is_left_beside_it(
    settings, run_id, approve, export
):
    approve(run_id)
    path = export(run_id)
    assert path.parent == settings.files_dir / "runs"
    assert path.stat().st_mode & 0o077 == 0
    assert list(path.parent.iterdir()) == [path]


def test_a_disk_that_fails_leaves_no_half_file_and_the_run_as_it_was(
    region, settings, run_id, approve, export, monkeypatch
):
    approve(run_id)
    with monkeypatch.context() as broken:
        broken.setattr("os.fsync", lambda _file: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            export(run_id)
    assert list((settings.files_dir / "runs").iterdir()) == []
    assert region.value("SELECT state FROM merchants.run") == "approved"
    assert export(run_id).exists()


def test_a_draft_has_no_file(region, settings, run_id, export):
    with pytest.raises(RunNotApproved) as refused:
        export(run_id)
    assert refused.value.code == "run_not_approved"
    assert not (settings.files_dir / "runs").exists()
    assert region.value("SELECT state FROM merchants.run") == "draft"


def test_a_run_that_does_not_exist_has_no_file(scheme, export, at):
    with pytest.raises(RunUnknown):
        export(uuid7(at))


def test_a_file_that_would_come_out_otherwise_is_never_given_out(
    region, database, run_id, approve, export, monkeypatch
):
    """A later version of the writer must not send a second, different file for the same run."""
    approve(run_id)
    export(run_id)
    monkeypatch.setattr("merchants.rails.sepa._PURPOSE", "OTHR")
    with pytest.raises(BankFileChanged) as refused:
        export(run_id)
    assert refused.value.code == "bank_file_changed"
    with pytest.raises(BankFileChanged), unit_of_work(database) as session:
        run_file(session, run_id)


@pytest.mark.parametrize(
    ("moment", "paid_on"),
    [
        (datetime(2026, 11, 24, 9, 0, tzinfo=UTC), date(2026, 11, 25)),  # at once
        (datetime(2026, 12, 3, 9, 0, tzinfo=UTC), date(2026, 12, 4)),  # nine days later
        (datetime(2026, 11, 27, 22, 59, tzinfo=UTC), date(2026, 11, 30)),  # Friday night in Paris
        (datetime(2026, 11, 29, 23, 1, tzinfo=UTC), date(2026, 12, 1)),  # already Monday in Paris
        (datetime(2027, 3, 25, 12, 0, tzinfo=UTC), date(2027, 3, 30)),  # before Easter
        (datetime(2027, 3, 28, 0, 30, tzinfo=UTC), date(2027, 3, 30)),  # the night of 23 hours
    ],
)
def test_the_first_file_asks_for_the_next_target_day_in_the_schemes_zone(
    region, run_id, approve, export, moment, paid_on
):
    """However long after the approval it is fetched, it never asks for a day that is past."""
    approve(run_id)
    tree = etree.parse(export(run_id, at=moment))
    assert texts(tree, "//p:ReqdExctnDt/p:Dt") == [paid_on.isoformat()]
    assert texts(tree, "//p:CreDtTm") == [f"{moment:%Y-%m-%dT%H:%M:%SZ}"]
    assert region.rows("SELECT execution_on, exported_at FROM merchants.run") == [(paid_on, moment)]


def test_before_the_first_file_there_is_none_to_read_again(
    region, settings, database, run_id, approve
):
    approve(run_id)
    with pytest.raises(RunNotExported) as refused, unit_of_work(database) as session:
        run_file(session, run_id)
    assert refused.value.code == "run_not_exported"
    assert region.value("SELECT state FROM merchants.run") == "approved"


def test_a_withdrawn_run_has_no_file(settings, run_id, withdraw, export):
    withdraw(run_id)
    with pytest.raises(RunNotApproved):
        export(run_id)
    assert not (settings.files_dir / "runs").exists()
