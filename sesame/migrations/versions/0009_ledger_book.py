"""Ledger: holds, corrections, tickets with their backing, closings; money moves by functions alone."""

import sqlalchemy as sa
from alembic import op

from sesame.migrations.privileges import append_only
from sesame.platform.database.connection import APPLICATION_ROLE

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KINDS_BEFORE = ("fund", "grant", "capture", "cancellation", "refund", "remit", "settle")
KINDS = (
    *("fund", "correction", "grant", "withdrawal", "expiry", "regrant", "capture", "release"),
    *("cancellation", "refund", "remit", "settle", "return"),
)
ACCOUNTS_BEFORE = ("funding", "envelope", "entitlement", "payable", "in_transit", "paid")
ACCOUNTS = (
    *("funding", "envelope", "entitlement", "backing", "issued", "used"),
    *("payable", "in_transit", "paid"),
)
POST_BEFORE = "uuid[], uuid[], uuid[], bigint[], text[], uuid[], uuid[], timestamptz[], timestamptz"

# A hold is only ever captured further, and ended once.
_HOLD_RULES = """
CREATE FUNCTION ledger.check_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state <> 'open' OR NEW.captured < OLD.captured
       OR (NEW.id, NEW.account_id, NEW.credit_account_id, NEW.amount, NEW.several, NEW.lapses_at,
           NEW.correlation_id, NEW.recorded_at)
          IS DISTINCT FROM
          (OLD.id, OLD.account_id, OLD.credit_account_id, OLD.amount, OLD.several, OLD.lapses_at,
           OLD.correlation_id, OLD.recorded_at) THEN
        RAISE EXCEPTION 'a hold is only captured further, and ended once' USING ERRCODE = 'SP001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER hold_rules BEFORE UPDATE OR DELETE ON ledger.hold
FOR EACH ROW EXECUTE FUNCTION ledger.check_hold();
CREATE TRIGGER hold_not_truncated BEFORE TRUNCATE ON ledger.hold
FOR EACH STATEMENT EXECUTE FUNCTION platform.refuse_change();
"""
# What was taken back of a transfer only changes within the transfer's own amount.
_CORRECTED_RULES = """
CREATE FUNCTION ledger.check_corrected() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.corrected <= OLD.corrected
       OR (NEW.transfer_id, NEW.amount) IS DISTINCT FROM (OLD.transfer_id, OLD.amount) THEN
        RAISE EXCEPTION 'what was corrected only grows' USING ERRCODE = 'SP001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER corrected_rules BEFORE UPDATE OR DELETE ON ledger.corrected
FOR EACH ROW EXECUTE FUNCTION ledger.check_corrected();
CREATE TRIGGER corrected_not_truncated BEFORE TRUNCATE ON ledger.corrected
FOR EACH STATEMENT EXECUTE FUNCTION platform.refuse_change();
"""
_CLOSING_RULES = """
CREATE FUNCTION ledger.check_closing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM ledger.closing WHERE closed_before >= NEW.closed_before) THEN
        RAISE EXCEPTION 'the books are closed further already' USING ERRCODE = 'SL005';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER closing_rules BEFORE INSERT ON ledger.closing
FOR EACH ROW EXECUTE FUNCTION ledger.check_closing();
"""
# One look for each statement, not one for each row: granting opens hundreds of thousands of accounts. Ids
# of accounts and plans never change and are never deleted, so it is worth a foreign key.
_NEW_ACCOUNT_RULES = """
CREATE FUNCTION ledger.check_new_accounts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM (SELECT DISTINCT share_plan_id AS id FROM added
                               WHERE share_plan_id IS NOT NULL) fresh
                LEFT JOIN ledger.share_plan p USING (id) WHERE p.id IS NULL)
       OR EXISTS (SELECT 1 FROM added fresh LEFT JOIN ledger.account a ON a.id = fresh.backs_id
                   WHERE fresh.backs_id IS NOT NULL AND a.id IS NULL) THEN
        RAISE EXCEPTION 'an account of a plan or of tickets that are not there'
            USING ERRCODE = '23503';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER account_added AFTER INSERT ON ledger.account REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION ledger.check_new_accounts();
CREATE FUNCTION ledger.check_new_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM added LEFT JOIN ledger.account a ON a.id = added.account_id
                WHERE a.id IS NULL) THEN
        RAISE EXCEPTION 'a balance of no account' USING ERRCODE = '23503';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER balance_stays BEFORE UPDATE OF account_id, floor ON ledger.balance
FOR EACH ROW EXECUTE FUNCTION platform.refuse_change();
CREATE TRIGGER balance_added AFTER INSERT ON ledger.balance REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION ledger.check_new_balances();
"""


def upgrade() -> None:
    """Apply this revision."""
    op.execute(f"DROP FUNCTION IF EXISTS ledger.post_transfers({POST_BEFORE})")
    op.execute("DROP FUNCTION IF EXISTS ledger.balance_of(uuid[])")
    op.create_unique_constraint(
        "uq_share_share_plan_id_envelope_id",
        "share",
        ["share_plan_id", "envelope_id"],
        schema="ledger",
    )
    _widen_account()
    _widen_balance()
    op.execute(_NEW_ACCOUNT_RULES)
    _widen_transfer()
    _create_hold()
    _create_corrected()
    _create_closing()
    # Whoever holds the application's password moves money as the ledger's functions do, or not at all.
    op.execute(
        f"REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA ledger"
        f" FROM {APPLICATION_ROLE}"
    )
    op.execute(
        "ALTER DEFAULT PRIVILEGES IN SCHEMA ledger"
        f" REVOKE INSERT, UPDATE, DELETE ON TABLES FROM {APPLICATION_ROLE}"
    )


def _widen_account() -> None:
    op.add_column(
        "account", sa.Column("floor", sa.BigInteger(), nullable=False, server_default="0"),
        schema="ledger",
    )  # fmt: skip
    op.alter_column("account", "floor", server_default=None, schema="ledger")
    op.add_column("account", sa.Column("backs_id", sa.Uuid(), nullable=True), schema="ledger")
    op.add_column(
        "account", sa.Column("unit_cents", sa.BigInteger(), nullable=True), schema="ledger"
    )
    op.create_index(
        "uq_account_backs_id", "account", ["backs_id"], unique=True, schema="ledger",
        postgresql_where=sa.text("backs_id IS NOT NULL"),
    )  # fmt: skip
    op.drop_constraint("fk_account_share_plan_id", "account", schema="ledger")
    op.drop_constraint("fk_balance_account_id", "balance", schema="ledger")
    _replace_check("account", "kind", f"kind IN {ACCOUNTS}")
    _replace_check(
        "account",
        "entitlements_are_guarded",
        "guarded OR kind NOT IN ('entitlement', 'backing')",
    )
    for name, rule in {
        "floor": "floor = 0 OR (floor < 0 AND guarded AND kind = 'envelope')",
        "backing": "(kind = 'backing') = (backs_id IS NOT NULL)",
        "face_value": "(unit_cents IS NOT NULL) = (kind = 'entitlement' AND asset <> 'EUR')"
        " AND unit_cents >= 0",
        "euro_kinds": "asset = 'EUR' OR kind IN ('entitlement', 'issued', 'used')",
        "ticket_kinds": "asset <> 'EUR' OR kind NOT IN ('issued', 'used')",
    }.items():
        op.create_check_constraint(name, "account", rule, schema="ledger")
    op.create_index(
        "uq_account_asset_kind", "account", ["asset", "kind"], unique=True, schema="ledger",
        postgresql_where=sa.text("kind IN ('issued', 'used')"),
    )  # fmt: skip


def _widen_balance() -> None:
    for column in ("held", "floor"):
        op.add_column(
            "balance", sa.Column(column, sa.BigInteger(), nullable=False, server_default="0"),
            schema="ledger",
        )  # fmt: skip
        op.alter_column("balance", column, server_default=None, schema="ledger")
    _replace_check("balance", "never_below_zero", "balance - held >= floor", "never_below_floor")
    op.create_check_constraint("held", "balance", "held >= 0", schema="ledger")


def _widen_transfer() -> None:
    op.add_column("transfer", sa.Column("hold_id", sa.Uuid(), nullable=True), schema="ledger")
    op.add_column(
        "transfer",
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=True),
        schema="ledger",
    )
    op.add_column(
        "transfer",
        sa.Column(
            "recorded_in",
            sa.BigInteger(),
            nullable=False,
            server_default=sa.text("(pg_current_xact_id()::text)::bigint"),
        ),
        schema="ledger",
    )
    _replace_check("transfer", "kind", f"kind IN {KINDS}")
    for side in ("debit", "credit"):
        account = f"{side}_account_id"
        op.drop_index(f"ix_transfer_{account}_id", "transfer", schema="ledger")
        op.create_index(
            f"ix_transfer_{account}_counts_at", "transfer", [account, "counts_at"], schema="ledger"
        )
    op.create_index(
        "ix_transfer_recorded_in", "transfer", ["recorded_in"], schema="ledger",
        postgresql_using="brin", postgresql_with={"pages_per_range": "32"},
    )  # fmt: skip


def _create_hold() -> None:
    op.create_table(
        "hold",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("credit_account_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("captured", sa.BigInteger(), nullable=False),
        sa.Column("several", sa.Boolean(), nullable=False),
        sa.Column("lapses_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("correlation_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.CheckConstraint("captured BETWEEN 0 AND amount", name="captured"),
        sa.CheckConstraint("state IN ('open', 'captured', 'voided', 'lapsed')", name="state"),
        sa.CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ended"),
        sa.CheckConstraint("lapses_at > recorded_at", name="lapses_at"),
        sa.ForeignKeyConstraint(["account_id"], ["ledger.account.id"]),
        sa.PrimaryKeyConstraint("id"),
        schema="ledger",
    )
    op.create_index(
        "ix_hold_account_id", "hold", ["account_id"], schema="ledger",
        postgresql_where=sa.text("state = 'open'"),
    )  # fmt: skip
    op.execute(_HOLD_RULES)


def _create_corrected() -> None:
    op.create_table(
        "corrected",
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("corrected", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("corrected > 0 AND corrected <= amount", name="within_the_transfer"),
        sa.PrimaryKeyConstraint("transfer_id"),
        schema="ledger",
    )
    op.execute(_CORRECTED_RULES)


def _create_closing() -> None:
    op.create_table(
        "closing",
        sa.Column("closed_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("closed_before <= recorded_at", name="not_ahead"),
        sa.PrimaryKeyConstraint("closed_before"),
        schema="ledger",
    )
    append_only("ledger.closing")
    op.execute(_CLOSING_RULES)
    op.create_table(
        "balance_checkpoint",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("counts_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["ledger.account.id"]),
        sa.ForeignKeyConstraint(["counts_before"], ["ledger.closing.closed_before"]),
        sa.PrimaryKeyConstraint("account_id", "counts_before"),
        schema="ledger",
    )
    append_only("ledger.balance_checkpoint")
    op.create_table(
        "checkpointing",
        sa.Column("counts_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accounts", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("accounts >= 0", name="accounts"),
        sa.ForeignKeyConstraint(["counts_before"], ["ledger.closing.closed_before"]),
        sa.PrimaryKeyConstraint("counts_before"),
        schema="ledger",
    )
    append_only("ledger.checkpointing")


def _replace_check(table: str, name: str, rule: str, new_name: str | None = None) -> None:
    op.drop_constraint(f"ck_{table}_{name}", table, schema="ledger")
    op.create_check_constraint(new_name or name, table, rule, schema="ledger")


def downgrade() -> None:
    """Take this revision back. Refused where what it brought is in use."""
    op.execute("DROP TRIGGER balance_stays ON ledger.balance")
    for table in ("checkpointing", "balance_checkpoint", "closing", "corrected", "hold"):
        op.drop_table(table, schema="ledger")
    for function in ("check_hold", "check_corrected", "check_closing"):
        op.execute(f"DROP FUNCTION ledger.{function}()")
    op.drop_index("ix_transfer_recorded_in", "transfer", schema="ledger")
    for side in ("debit", "credit"):
        account = f"{side}_account_id"
        op.drop_index(f"ix_transfer_{account}_counts_at", "transfer", schema="ledger")
        op.create_index(f"ix_transfer_{account}_id", "transfer", [account, "id"], schema="ledger")
    _replace_check("transfer", "kind", f"kind IN {KINDS_BEFORE}")
    for column in ("recorded_in", "happened_at", "hold_id"):
        op.drop_column("transfer", column, schema="ledger")
    op.drop_constraint("ck_balance_held", "balance", schema="ledger")
    _replace_check("balance", "never_below_floor", "balance >= 0", "never_below_zero")
    for column in ("floor", "held"):
        op.drop_column("balance", column, schema="ledger")
    op.drop_index("uq_account_asset_kind", "account", schema="ledger")
    for name in ("ticket_kinds", "euro_kinds", "face_value", "backing", "floor"):
        op.drop_constraint(f"ck_account_{name}", "account", schema="ledger")
    _replace_check("account", "entitlements_are_guarded", "guarded OR kind <> 'entitlement'")
    _replace_check("account", "kind", f"kind IN {ACCOUNTS_BEFORE}")
    op.drop_index("uq_account_backs_id", "account", schema="ledger")
    for table in ("account", "balance"):
        op.execute(f"DROP TRIGGER {table}_added ON ledger.{table}")
        op.execute(f"DROP FUNCTION ledger.check_new_{table}s()")
    op.create_foreign_key(
        "fk_account_share_plan_id", "account", "share_plan", ["share_plan_id"], ["id"],
        source_schema="ledger", referent_schema="ledger",
    )  # fmt: skip
    op.create_foreign_key(
        "fk_balance_account_id", "balance", "account", ["account_id"], ["id"],
        source_schema="ledger", referent_schema="ledger",
    )  # fmt: skip
    op.drop_constraint("uq_share_share_plan_id_envelope_id", "share", schema="ledger")
    for column in ("unit_cents", "backs_id", "floor"):
        op.drop_column("account", column, schema="ledger")
    op.execute(
        "ALTER DEFAULT PRIVILEGES IN SCHEMA ledger"
        f" GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {APPLICATION_ROLE}"
    )
    op.execute(f"GRANT INSERT ON ALL TABLES IN SCHEMA ledger TO {APPLICATION_ROLE}")
    op.execute(f"GRANT UPDATE ON ledger.balance TO {APPLICATION_ROLE}")
