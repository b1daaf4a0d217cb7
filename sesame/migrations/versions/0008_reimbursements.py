"""Reimbursement runs: who prepared and who approved, what each pays, and rules the tables enforce."""

import sqlalchemy as sa
from alembic import op

from sesame.migrations.privileges import append_only
from sesame.platform.database.connection import APPLICATION_ROLE

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# SQLSTATE SM801: a change of a run, or of what it holds, that its state doesn't allow.
_RUN_RULES = """
CREATE FUNCTION merchants.check_run() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_paid bigint;
    v_payments bigint;
    v_claimed bigint;
    v_lines bigint;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a run is never deleted' USING ERRCODE = 'SM801';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'draft' THEN
            RAISE EXCEPTION 'a run begins as a draft' USING ERRCODE = 'SM801';
        END IF;
        RETURN NEW;
    END IF;
    IF (OLD.id, OLD.payer, OLD.cutoff_at, OLD.drafted_at, OLD.message_id, OLD.total_cents,
        OLD.remittance_count, OLD.line_count)
       IS DISTINCT FROM
       (NEW.id, NEW.payer, NEW.cutoff_at, NEW.drafted_at, NEW.message_id, NEW.total_cents,
        NEW.remittance_count, NEW.line_count) THEN
        RAISE EXCEPTION 'what a run pays never changes' USING ERRCODE = 'SM801';
    END IF;
    IF OLD.state = 'draft' AND NEW.state = 'draft' THEN
        RETURN NEW;
    END IF;
    IF (OLD.drafted_by, OLD.debtor_name, OLD.debtor_iban, OLD.debtor_bic,
        OLD.debtor_building_number, OLD.debtor_street, OLD.debtor_postal_code, OLD.debtor_town,
        OLD.debtor_country)
       IS DISTINCT FROM
       (NEW.drafted_by, NEW.debtor_name, NEW.debtor_iban, NEW.debtor_bic,
        NEW.debtor_building_number, NEW.debtor_street, NEW.debtor_postal_code, NEW.debtor_town,
        NEW.debtor_country) THEN
        RAISE EXCEPTION 'the accounts are frozen with the draft' USING ERRCODE = 'SM801';
    END IF;
    IF (OLD.state, NEW.state) NOT IN
       (('draft', 'approved'), ('draft', 'withdrawn'), ('approved', 'exported'),
        ('exported', 'settled')) THEN
        RAISE EXCEPTION 'a run does not go from % to %', OLD.state, NEW.state
            USING ERRCODE = 'SM801';
    END IF;
    IF OLD.state <> 'draft'
       AND (OLD.approved_by, OLD.approved_at)
           IS DISTINCT FROM (NEW.approved_by, NEW.approved_at) THEN
        RAISE EXCEPTION 'an approval never changes' USING ERRCODE = 'SM801';
    END IF;
    IF OLD.state = 'exported'
       AND (OLD.exported_at, OLD.file_sha256, OLD.execution_on)
           IS DISTINCT FROM (NEW.exported_at, NEW.file_sha256, NEW.execution_on) THEN
        RAISE EXCEPTION 'the first bank file stays the only one' USING ERRCODE = 'SM801';
    END IF;
    IF NEW.state = 'approved' THEN
        SELECT coalesce(sum(amount_cents), 0), count(*) INTO v_paid, v_payments
          FROM merchants.remittance WHERE run_id = NEW.id;
        SELECT coalesce(sum(l.amount_cents), 0), count(*) INTO v_claimed, v_lines
          FROM merchants.run_line l JOIN merchants.remittance r ON r.id = l.remittance_id
         WHERE r.run_id = NEW.id;
        IF (v_paid, v_payments, v_claimed, v_lines)
           <> (NEW.total_cents, NEW.remittance_count, NEW.total_cents, NEW.line_count) THEN
            RAISE EXCEPTION 'the control totals differ' USING ERRCODE = 'SM801';
        END IF;
    END IF;
    RETURN NEW;
END $$
"""

_REMITTANCE_RULES = """
CREATE FUNCTION merchants.check_remittance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a payment is never deleted' USING ERRCODE = 'SM801';
    END IF;
    IF (OLD.id, OLD.run_id, OLD.payee_id, OLD.amount_cents, OLD.line_count, OLD.end_to_end_id)
       IS DISTINCT FROM
       (NEW.id, NEW.run_id, NEW.payee_id, NEW.amount_cents, NEW.line_count, NEW.end_to_end_id) THEN
        RAISE EXCEPTION 'what a payment pays never changes' USING ERRCODE = 'SM801';
    END IF;
    PERFORM 1 FROM merchants.run WHERE id = NEW.run_id AND state = 'draft' FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the accounts are frozen with the draft' USING ERRCODE = 'SM801';
    END IF;
    RETURN NEW;
END $$
"""

# Once for each statement, for all the rows that it adds: a run may hold a million lines.
_NEW_REMITTANCES = """
CREATE FUNCTION merchants.check_new_remittances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM merchants.run
      WHERE id IN (SELECT run_id FROM added) ORDER BY id FOR SHARE;
    IF EXISTS (
        SELECT 1 FROM merchants.run WHERE id IN (SELECT run_id FROM added) AND state <> 'draft'
    ) THEN
        RAISE EXCEPTION 'payments are added to a draft only' USING ERRCODE = 'SM801';
    END IF;
    RETURN NULL;
END $$
"""

_NEW_LINES = """
CREATE FUNCTION merchants.check_new_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM merchants.run
      WHERE id IN (SELECT run_id FROM added) ORDER BY id FOR SHARE;
    IF EXISTS (
        SELECT 1
          FROM (SELECT DISTINCT run_id, remittance_id FROM added) line
          LEFT JOIN merchants.remittance r
            ON r.id = line.remittance_id AND r.run_id = line.run_id
          LEFT JOIN merchants.run ON run.id = r.run_id AND run.state = 'draft'
         WHERE run.id IS NULL
    ) THEN
        RAISE EXCEPTION 'lines are added to a payment of a draft only' USING ERRCODE = 'SM801';
    END IF;
    -- The key (transfer, claim) and this rule together: one living run at most holds a transfer.
    -- `withdrawn` is the end of a run, so what is seen here stays true.
    IF EXISTS (
        SELECT 1 FROM added
         WHERE added.claim > 1
           AND NOT EXISTS (
               SELECT 1
                 FROM merchants.run_line before
                 JOIN merchants.run ON run.id = before.run_id AND run.state = 'withdrawn'
                WHERE before.transfer_id = added.transfer_id AND before.claim = added.claim - 1
           )
    ) THEN
        RAISE EXCEPTION 'a living run holds this transfer' USING ERRCODE = 'SM801';
    END IF;
    RETURN NULL;
END $$
"""

_FUNCTIONS = ("check_run", "check_remittance", "check_new_remittances", "check_new_lines")


def upgrade() -> None:
    """Apply this revision."""
    op.create_table(
        "transit_account",
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["ledger.account.id"]),
        sa.PrimaryKeyConstraint("payer"),
        sa.UniqueConstraint("account_id"),
        schema="merchants",
    )
    append_only("merchants.transit_account")
    _create_run()
    _create_remittance()
    _create_run_line()


def _create_run() -> None:
    op.create_table(
        "run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("cutoff_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("drafted_by", sa.Uuid(), nullable=False),
        sa.Column("drafted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("execution_on", sa.Date(), nullable=True),
        sa.Column("exported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("file_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("withdrawn_by", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("total_cents", sa.BigInteger(), nullable=False),
        sa.Column("remittance_count", sa.BigInteger(), nullable=False),
        sa.Column("line_count", sa.BigInteger(), nullable=False),
        sa.Column("debtor_name", sa.Text(), nullable=False),
        sa.Column("debtor_iban", sa.Text(), nullable=False),
        sa.Column("debtor_bic", sa.Text(), nullable=True),
        sa.Column("debtor_building_number", sa.Text(), nullable=True),
        sa.Column("debtor_street", sa.Text(), nullable=False),
        sa.Column("debtor_postal_code", sa.Text(), nullable=False),
        sa.Column("debtor_town", sa.Text(), nullable=False),
        sa.Column("debtor_country", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('draft', 'approved', 'exported', 'settled', 'withdrawn')", name="state"
        ),
        sa.CheckConstraint("approved_by <> drafted_by", name="four_eyes"),
        sa.CheckConstraint(
            "(state IN ('draft', 'withdrawn')) = (approved_by IS NULL) "
            "AND (approved_by IS NULL) = (approved_at IS NULL)",
            name="approved",
        ),
        sa.CheckConstraint(
            "(state IN ('draft', 'withdrawn', 'approved')) = (exported_at IS NULL) "
            "AND (exported_at IS NULL) = (file_sha256 IS NULL) "
            "AND (exported_at IS NULL) = (execution_on IS NULL)",
            name="exported",
        ),
        sa.CheckConstraint(
            "(state <> 'withdrawn') = (withdrawn_by IS NULL) "
            "AND (withdrawn_by IS NULL) = (withdrawn_at IS NULL)",
            name="withdrawn",
        ),
        sa.CheckConstraint("total_cents > 0", name="total"),
        sa.CheckConstraint(
            "remittance_count > 0 AND line_count >= remittance_count", name="counts"
        ),
        sa.CheckConstraint("length(message_id) <= 35", name="message_id"),
        sa.ForeignKeyConstraint(["payer"], ["merchants.transit_account.payer"]),
        sa.ForeignKeyConstraint(["drafted_by"], ["platform.identity.id"]),
        sa.ForeignKeyConstraint(["approved_by"], ["platform.identity.id"]),
        sa.ForeignKeyConstraint(["withdrawn_by"], ["platform.identity.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("message_id"),
        schema="merchants",
    )
    op.create_index("ix_run_drafted_at", "run", ["drafted_at"], schema="merchants")
    op.execute(_RUN_RULES)
    op.execute(
        "CREATE TRIGGER run_rules BEFORE INSERT OR UPDATE OR DELETE ON merchants.run "
        "FOR EACH ROW EXECUTE FUNCTION merchants.check_run()"
    )
    _never_emptied("run")


def _create_remittance() -> None:
    op.create_table(
        "remittance",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("payee_id", sa.Uuid(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("line_count", sa.BigInteger(), nullable=False),
        sa.Column("end_to_end_id", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("iban", sa.Text(), nullable=False),
        sa.Column("bic", sa.Text(), nullable=True),
        sa.Column("building_number", sa.Text(), nullable=True),
        sa.Column("street", sa.Text(), nullable=False),
        sa.Column("postal_code", sa.Text(), nullable=False),
        sa.Column("town", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.CheckConstraint("amount_cents > 0", name="amount"),
        sa.CheckConstraint("line_count > 0", name="line_count"),
        sa.CheckConstraint("length(end_to_end_id) <= 35", name="end_to_end_id"),
        sa.ForeignKeyConstraint(["run_id"], ["merchants.run.id"]),
        sa.ForeignKeyConstraint(["payee_id"], ["merchants.payee.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("end_to_end_id"),
        sa.UniqueConstraint("run_id", "payee_id"),
        schema="merchants",
    )
    op.create_index("ix_remittance_payee_id", "remittance", ["payee_id"], schema="merchants")
    op.execute(_REMITTANCE_RULES)
    op.execute(
        "CREATE TRIGGER remittance_rules BEFORE UPDATE OR DELETE ON merchants.remittance "
        "FOR EACH ROW EXECUTE FUNCTION merchants.check_remittance()"
    )
    op.execute(_NEW_REMITTANCES)
    op.execute(
        "CREATE TRIGGER remittance_added AFTER INSERT ON merchants.remittance "
        "REFERENCING NEW TABLE AS added "
        "FOR EACH STATEMENT EXECUTE FUNCTION merchants.check_new_remittances()"
    )
    _never_emptied("remittance")


def _create_run_line() -> None:
    op.create_table(
        "run_line",
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("remittance_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("counts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claim", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_cents <> 0", name="amount"),
        sa.CheckConstraint("claim >= 1", name="claim"),
        sa.PrimaryKeyConstraint("transfer_id", "claim"),
        schema="merchants",
    )
    op.create_index("ix_run_line_remittance_id", "run_line", ["remittance_id"], schema="merchants")
    op.execute(_NEW_LINES)
    op.execute(
        "CREATE TRIGGER run_line_added AFTER INSERT ON merchants.run_line "
        "REFERENCING NEW TABLE AS added "
        "FOR EACH STATEMENT EXECUTE FUNCTION merchants.check_new_lines()"
    )
    append_only("merchants.run_line")


def _never_emptied(table: str) -> None:
    op.execute(f"REVOKE DELETE, TRUNCATE ON merchants.{table} FROM {APPLICATION_ROLE}")
    op.execute(
        f"CREATE TRIGGER {table}_not_truncated BEFORE TRUNCATE ON merchants.{table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION platform.refuse_change()"
    )


def downgrade() -> None:
    """Take this revision back."""
    for table in ("run_line", "remittance", "run", "transit_account"):
        op.drop_table(table, schema="merchants")
    for function in _FUNCTIONS:
        op.execute(f"DROP FUNCTION merchants.{function}()")
