"""What the database refuses by itself, whoever asks: plain SQL, the rules' code away."""

import psycopg
import pytest

from sesame.platform.database.connection import OWNER_ROLE
from sesame.platform.ids import uuid7

REFUSED = "SM801"
APPROVAL = "UPDATE merchants.run SET state = 'approved', approved_by = %s, approved_at = %s"
EXPORT = (
    "UPDATE merchants.run SET state = 'exported', exported_at = %s, file_sha256 = %s, "
    "execution_on = '2026-11-25'"
)
WITHDRAWAL = "UPDATE merchants.run SET state = 'withdrawn', withdrawn_by = %s, withdrawn_at = %s"


@pytest.fixture
def run_id(region, draft):
    region.sale(region.payee(), region.envelope(region.funder()), 1_000)
    return draft()


@pytest.fixture
def as_owner(test_database):
    """The role that owns the tables: grants don't hold it, triggers do."""
    with psycopg.connect(test_database.url(OWNER_ROLE), autocommit=True) as connection:
        yield connection


def refused_with(connection, statement, values=()):
    with pytest.raises(psycopg.Error) as refused:
        connection.execute(statement, values)
    return refused.value.sqlstate


def test_the_author_of_a_run_cannot_be_written_as_its_approver(region, run_id, officer, at):
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        region.connection.execute(APPROVAL, (officer, at))
    assert refused.value.diag.constraint_name == "ck_run_four_eyes"


def test_the_same_update_by_another_person_passes(region, run_id, accountant, at):
    region.connection.execute(APPROVAL, (accountant, at))
    assert region.value("SELECT state FROM merchants.run") == "approved"


def test_an_approval_needs_a_name_and_a_time(region, run_id):
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        region.connection.execute("UPDATE merchants.run SET state = 'approved'")
    assert refused.value.diag.constraint_name == "ck_run_approved"


def test_a_run_begins_as_a_draft(region, run_id, accountant):
    columns = [
        row[0]
        for row in region.rows(
            "SELECT column_name FROM information_schema.columns "
            "WHERE (table_schema, table_name) = ('merchants', 'run')"
        )
    ]
    kept = [each for each in columns if each not in ("id", "message_id", "state")]
    statement = (
        f"INSERT INTO merchants.run (id, message_id, state, {', '.join(kept)}) "
        f"SELECT gen_random_uuid(), 'OTHER', %s, {', '.join(kept)} FROM merchants.run LIMIT 1"
    )
    region.connection.execute(statement, ("draft",))
    assert refused_with(region.connection, statement, ("exported",)) == REFUSED


@pytest.mark.parametrize(
    "change",
    [
        "total_cents = total_cents + 1",
        "line_count = line_count + 1",
        "cutoff_at = cutoff_at + interval '1 day'",
        "message_id = 'OTHER'",
        "drafted_at = drafted_at - interval '1 day'",
        "state = 'settled', exported_at = drafted_at, file_sha256 = '\\x00', "
        "approved_at = drafted_at, execution_on = '2026-11-25', "
        "approved_by = (SELECT id FROM platform.identity WHERE role = 'accountant')",
    ],
)
def test_a_draft_never_changes_what_it_pays_nor_skips_a_state(region, run_id, accountant, change):
    assert refused_with(region.connection, f"UPDATE merchants.run SET {change}") == REFUSED


@pytest.mark.parametrize(
    "change",
    [
        "state = 'draft', approved_by = NULL, approved_at = NULL",
        "state = 'withdrawn', approved_by = NULL, approved_at = NULL, withdrawn_by = drafted_by, "
        "withdrawn_at = approved_at",
        "execution_on = '2026-12-01'",
        "debtor_iban = 'FR7630006000011234567890189'",
        "state = 'exported', exported_at = approved_at, file_sha256 = '\\x00', "
        "execution_on = '2026-12-01', approved_at = approved_at - interval '1 hour'",
        "approved_at = approved_at - interval '1 hour'",
    ],
)
def test_an_approved_run_only_goes_on(region, run_id, accountant, at, change):
    region.connection.execute(APPROVAL, (accountant, at))
    assert refused_with(region.connection, f"UPDATE merchants.run SET {change}") == REFUSED


def test_an_exported_file_is_the_only_one(region, run_id, accountant, at):
    region.connection.execute(APPROVAL, (accountant, at))
    region.connection.execute(EXPORT, (at, b"\0"))
    assert refused_with(region.connection, EXPORT, (at, b"\1")) == REFUSED
    later = "UPDATE merchants.run SET state = 'settled', execution_on = '2026-11-26'"
    assert refused_with(region.connection, later) == REFUSED


def test_a_file_needs_a_day_of_payment(region, run_id, accountant, at):
    region.connection.execute(APPROVAL, (accountant, at))
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        region.connection.execute(EXPORT.partition(", execution_on")[0], (at, b"\0"))
    assert refused.value.diag.constraint_name == "ck_run_exported"


def test_a_withdrawal_needs_a_name_and_a_time(region, run_id):
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        region.connection.execute("UPDATE merchants.run SET state = 'withdrawn'")
    assert refused.value.diag.constraint_name == "ck_run_withdrawn"


@pytest.mark.parametrize("after", [None, "draft", "approved"])
def test_a_withdrawn_run_stays_withdrawn(region, run_id, officer, accountant, at, after):
    region.connection.execute(WITHDRAWAL, (officer, at))
    statement, values = {
        None: ("UPDATE merchants.run SET withdrawn_at = drafted_at", ()),
        "draft": (
            "UPDATE merchants.run SET state = 'draft', withdrawn_by = NULL, withdrawn_at = NULL",
            (),
        ),
        "approved": (f"{APPROVAL}, withdrawn_by = NULL, withdrawn_at = NULL", (accountant, at)),
    }[after]
    assert refused_with(region.connection, statement, values) == REFUSED


AGAIN = (
    "INSERT INTO merchants.run_line (transfer_id, run_id, remittance_id, account_id, amount_cents, "
    "counts_at, claim) SELECT transfer_id, %s, %s, account_id, amount_cents, counts_at, %s "
    "FROM merchants.run_line ORDER BY claim LIMIT 1"
)


@pytest.fixture
def second_run(region, draft, run_id):
    """A draft of something else: its id and its payment's."""
    region.sale(region.payee(), region.value("SELECT id FROM cardsvc.envelope"), 70)
    other = draft()
    return other, region.value("SELECT id FROM merchants.remittance WHERE run_id = %s", other)


@pytest.mark.parametrize("claim", [1, 2, 3])
def test_no_second_claim_of_what_a_living_run_holds(region, second_run, claim):
    error = "23505" if claim == 1 else REFUSED
    assert refused_with(region.connection, AGAIN, (*second_run, claim)) == error


def test_one_claim_follows_that_of_a_withdrawn_run_and_no_number_is_left_out(
    region, run_id, second_run, officer, at
):
    region.connection.execute(f"{WITHDRAWAL} WHERE id = %s", (officer, at, run_id))
    assert refused_with(region.connection, AGAIN, (*second_run, 1)) == "23505"
    assert refused_with(region.connection, AGAIN, (*second_run, 3)) == REFUSED
    region.connection.execute(AGAIN, (*second_run, 2))
    assert refused_with(region.connection, AGAIN, (*second_run, 2)) == "23505"
    assert refused_with(region.connection, AGAIN, (*second_run, 3)) == REFUSED


def test_no_line_is_added_to_a_withdrawn_run(region, run_id, officer, at):
    remittance_id = region.value("SELECT id FROM merchants.remittance")
    region.connection.execute(WITHDRAWAL, (officer, at))
    assert refused_with(region.connection, AGAIN, (run_id, remittance_id, 2)) == REFUSED


def test_no_approval_where_the_control_totals_differ(region, run_id, accountant, at):
    remittance_id, payable = region.rows(
        "SELECT remittance_id, account_id FROM merchants.run_line"
    )[0]
    region.connection.execute(
        "INSERT INTO merchants.run_line VALUES (%s, %s, %s, %s, 1, %s, 1)",
        (uuid7(at), run_id, remittance_id, payable, at),
    )
    assert refused_with(region.connection, APPROVAL, (accountant, at)) == REFUSED


def test_a_transfer_is_claimed_by_one_line(region, run_id, at):
    with pytest.raises(psycopg.errors.UniqueViolation):
        region.connection.execute("INSERT INTO merchants.run_line SELECT * FROM merchants.run_line")


def test_a_line_belongs_to_a_payment_of_its_run(region, run_id, at):
    _, remittance_id, payable = region.rows(
        "SELECT run_id, remittance_id, account_id FROM merchants.run_line"
    )[0]
    statement = "INSERT INTO merchants.run_line VALUES (%s, %s, %s, %s, 1, %s, 1)"
    for run, remittance in ((uuid7(at), remittance_id), (run_id, uuid7(at))):
        values = (uuid7(at), run, remittance, payable, at)
        assert refused_with(region.connection, statement, values) == REFUSED


def test_nothing_is_added_to_an_approved_run(region, run_id, accountant, at):
    remittance_id, payable = region.rows(
        "SELECT remittance_id, account_id FROM merchants.run_line"
    )[0]
    region.connection.execute(APPROVAL, (accountant, at))
    line = "INSERT INTO merchants.run_line VALUES (%s, %s, %s, %s, 1, %s, 1)"
    values = (uuid7(at), run_id, remittance_id, payable, at)
    assert refused_with(region.connection, line, values) == REFUSED
    payment = (
        "INSERT INTO merchants.remittance SELECT gen_random_uuid(), run_id, %s, 1, 1, 'other', "
        "holder, iban, bic, building_number, street, postal_code, town, country "
        "FROM merchants.remittance"
    )
    assert refused_with(region.connection, payment, (region.payee(),)) == REFUSED


def test_a_payments_account_changes_with_the_draft_only_and_its_amount_never(
    region, run_id, accountant, at
):
    to_bic = "UPDATE merchants.remittance SET bic = %s"
    region.connection.execute(to_bic, ("AGRIFRPP",))
    assert (
        refused_with(region.connection, "UPDATE merchants.remittance SET amount_cents = 1")
        == REFUSED
    )
    region.connection.execute(APPROVAL, (accountant, at))
    assert refused_with(region.connection, to_bic, ("BNPAFRPP",)) == REFUSED


@pytest.mark.parametrize("table", ["merchants.run", "merchants.remittance", "merchants.run_line"])
def test_nothing_of_a_run_is_deleted_even_by_the_tables_owner(region, run_id, as_owner, table):
    assert refused_with(as_owner, f"DELETE FROM {table}") in (REFUSED, "SP001")
    assert refused_with(as_owner, f"TRUNCATE {table} CASCADE") == "SP001"


def test_a_line_is_never_changed_even_by_the_tables_owner(region, run_id, as_owner):
    assert refused_with(as_owner, "UPDATE merchants.run_line SET amount_cents = 1") == "SP001"
