"""`sesame reimburse`, as a person or a program calls it."""

import json

import pytest
from click.testing import CliRunner
from lxml import etree

from merchants.reimbursements import commands
from merchants.reimbursements.reasons import (
    ActorUnknown,
    ApprovedByItsAuthor,
    CutoffInvalid,
    RunChangedSinceRead,
    RunNotApproved,
)
from sesame.platform.command import Process
from sesame.platform.database import unit_of_work
from sesame.platform.identity import create_identity

PEOPLE = {"a.martin": "officer", "b.durand": "accountant", "c.petit": "auditor"}


@pytest.fixture
def staff(database, scheme, at):
    with unit_of_work(database) as session:
        for login, role in PEOPLE.items():
            create_identity(
                session, role=role, display_name=login, login=login, password="x" * 12, at=at
            )


@pytest.fixture
def call(monkeypatch, settings, database, clock, staff):
    """Run a command; return its JSON, or raise what it raised."""
    monkeypatch.setattr(commands, "process", lambda: Process(settings, database, clock))

    def run(*arguments):
        result = CliRunner().invoke(commands.reimburse, [*arguments, "--json"])
        if result.exception:
            raise result.exception
        return json.loads(result.stdout)

    return run


@pytest.fixture
def sold(region):
    region.sale(region.payee(), region.envelope(region.funder()), 3_841_260)


def test_a_run_goes_from_draft_to_bank_file(call, sold, tmp_path, region):
    drafted = call("draft", "--funder", "region", "--as", "a.martin")
    assert (drafted["state"], drafted["total_cents"]) == ("draft", 3_841_260)
    approved = call("approve", drafted["run"], "--as", "b.durand")
    assert (approved["state"], approved["execution_on"]) == ("approved", None)
    out = tmp_path / "copy" / "run.xml"
    exported = call("export", drafted["run"], "--out", str(out))
    assert (exported["state"], exported["execution_on"]) == ("exported", "2026-11-25")
    first = out.read_bytes()
    total = etree.fromstring(first).xpath("//*[local-name()='GrpHdr']/*[local-name()='CtrlSum']")
    assert total[0].text == "38412.60"
    assert call("export", drafted["run"], "--out", str(out))["file"] == str(out)
    assert out.read_bytes() == first
    assert [each["run"] for each in call("list")] == [drafted["run"]]


def test_a_cutoff_without_a_zone_is_the_schemes(call, sold, region):
    drafted = call(
        "draft", "--funder", "region", "--cutoff", "2026-11-24T09:59", "--as", "a.martin"
    )
    assert drafted["cutoff_at"] in ("2026-11-24T08:59:00+00:00", "2026-11-24T09:59:00+01:00")
    assert region.value(
        "SELECT cutoff_at = '2026-11-24 08:59:00+00' FROM merchants.run WHERE id = %s",
        drafted["run"],
    )


def test_a_cutoff_that_is_no_date_is_refused(call, sold, region):
    with pytest.raises(CutoffInvalid) as refused:
        call("draft", "--funder", "region", "--cutoff", "yesterday", "--as", "a.martin")
    assert refused.value.code == "cutoff_invalid"
    assert region.claimed() == []


@pytest.mark.parametrize("login", ["b.durand", "c.petit", "nobody"])
def test_only_an_officer_prepares(call, sold, region, login):
    with pytest.raises(ActorUnknown) as refused:
        call("draft", "--funder", "region", "--as", login)
    assert refused.value.code == "actor_unknown"
    assert login not in str(refused.value)
    assert region.claimed() == []


@pytest.mark.parametrize("login", ["a.martin", "c.petit", "nobody"])
def test_only_an_accountant_approves(call, sold, region, login):
    run = call("draft", "--funder", "region", "--as", "a.martin")["run"]
    with pytest.raises(ActorUnknown):
        call("approve", run, "--as", login)
    assert region.value("SELECT state FROM merchants.run") == "draft"


def test_someone_no_longer_active_prepares_nothing(call, sold, region):
    region.connection.execute("UPDATE platform.identity SET active = false")
    with pytest.raises(ActorUnknown):
        call("draft", "--funder", "region", "--as", "a.martin")


def test_an_officer_made_accountant_still_cannot_approve_what_they_prepared(call, sold, region):
    run = call("draft", "--funder", "region", "--as", "a.martin")["run"]
    region.connection.execute("UPDATE platform.identity SET role = 'accountant'")
    with pytest.raises(ApprovedByItsAuthor):
        call("approve", run, "--as", "a.martin")


def test_no_file_before_the_approval(call, sold, tmp_path):
    run = call("draft", "--funder", "region", "--as", "a.martin")["run"]
    with pytest.raises(RunNotApproved):
        call("export", run, "--out", str(tmp_path / "run.xml"))
    assert not (tmp_path / "run.xml").exists()


def test_a_changed_account_is_taken_again_on_request(call, sold, region):
    run = call("draft", "--funder", "region", "--as", "a.martin")["run"]
    region.connection.execute("UPDATE merchants.payee SET bic = 'AGRIFRPP'")
    assert call("refresh", run, "--as", "a.martin") == {"run": run, "changed": 1}


@pytest.mark.parametrize("login", ["a.martin", "b.durand"])
def test_a_draft_is_withdrawn_and_what_it_held_is_drafted_again(call, sold, region, login):
    run = call("draft", "--funder", "region", "--as", "a.martin")["run"]
    withdrawn = call("withdraw", run, "--as", login)
    assert (withdrawn["run"], withdrawn["state"]) == (run, "withdrawn")
    again = call("draft", "--funder", "region", "--as", "a.martin")
    assert again["total_cents"] == 3_841_260


def test_an_auditor_withdraws_nothing(call, sold, region):
    run = call("draft", "--funder", "region", "--as", "a.martin")["run"]
    with pytest.raises(ActorUnknown):
        call("withdraw", run, "--as", "c.petit")
    assert region.value("SELECT state FROM merchants.run") == "draft"


def test_who_was_left_out_is_told_without_a_name_to_a_program_and_by_name_to_a_person(
    call, sold, region
):
    envelope = region.value("SELECT id FROM cardsvc.envelope")
    greek = region.payee("Βιβλιοπωλείο")
    region.sale(greek, envelope, 200)
    drafted = call("draft", "--funder", "region", "--as", "a.martin")
    assert drafted["total_cents"] == 3_841_260
    assert drafted["left_out"] == [{"payee": str(greek), "field": "name", "amount_cents": 200}]
    call("withdraw", drafted["run"], "--as", "a.martin")
    said = CliRunner().invoke(
        commands.reimburse, ["draft", "--funder", "region", "--as", "a.martin"]
    )
    assert "left out: Βιβλιοπωλείο, €2.00 (name)" in said.stdout


def test_the_hash_that_was_read_is_held_against_what_is_approved(call, sold, region):
    drafted = call("draft", "--funder", "region", "--as", "a.martin")
    with pytest.raises(RunChangedSinceRead):
        call("approve", drafted["run"], "--as", "b.durand", "--expect", "0" * 64)
    assert region.value("SELECT state FROM merchants.run") == "draft"
    (listed,) = call("list")
    assert listed["frozen_hash"] == drafted["frozen_hash"]
    call("approve", drafted["run"], "--as", "b.durand", "--expect", listed["frozen_hash"])
    assert region.value("SELECT state FROM merchants.run") == "approved"


def test_a_person_reads_a_line_for_each_run(call, sold):
    call("draft", "--funder", "region", "--as", "a.martin")
    result = CliRunner().invoke(commands.reimburse, ["list"])
    assert "draft" in result.stdout
    assert "€38,412.60" in result.stdout


@pytest.mark.parametrize("name", sorted(commands.reimburse.commands))
def test_every_command_explains_itself_by_an_example(name):
    result = CliRunner().invoke(commands.reimburse, [name, "--help"])
    assert result.exit_code == 0
    assert f"Example: sesame reimburse {name}" in " ".join(result.stdout.split())
