"""Ledger: accounts, share plans, guarded balances, transfers by partition, idempotency."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from sesame.migrations.privileges import append_only, create_schema, never_truncated
from sesame.platform.database.connection import APPLICATION_ROLE

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

FIRST_YEAR, LAST_YEAR = 2026, 2031


def upgrade() -> None:
    """Apply this revision."""
    create_schema("ledger")
    op.create_table(
        "share_plan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema="ledger",
    )
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("guarded", sa.Boolean(), nullable=False),
        sa.Column("share_plan_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('funding', 'envelope', 'entitlement', 'payable', 'in_transit', 'paid')",
            name="kind",
        ),
        sa.CheckConstraint("asset ~ '^[A-Z][A-Z0-9_]{2,30}$'", name="asset"),
        sa.CheckConstraint("guarded OR kind <> 'entitlement'", name="entitlements_are_guarded"),
        sa.ForeignKeyConstraint(["share_plan_id"], ["ledger.share_plan.id"]),
        sa.PrimaryKeyConstraint("id"),
        schema="ledger",
    )
    op.create_table(
        "share",
        sa.Column("share_plan_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("envelope_id", sa.Uuid(), nullable=False),
        sa.Column("weight", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("weight > 0", name="weight"),
        sa.CheckConstraint("position >= 1", name="position"),
        sa.ForeignKeyConstraint(["share_plan_id"], ["ledger.share_plan.id"]),
        sa.ForeignKeyConstraint(["envelope_id"], ["ledger.account.id"]),
        sa.PrimaryKeyConstraint("share_plan_id", "position"),
        schema="ledger",
    )
    op.create_table(
        "balance",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("balance >= 0", name="never_below_zero"),
        sa.ForeignKeyConstraint(["account_id"], ["ledger.account.id"]),
        sa.PrimaryKeyConstraint("account_id"),
        schema="ledger",
    )
    # Room in each page, so that a balance's new version stays beside the old one (HOT updates).
    op.execute("ALTER TABLE ledger.balance SET (fillfactor = 60)")
    op.create_table(
        "transfer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("debit_account_id", sa.Uuid(), nullable=False),
        sa.Column("credit_account_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("correlation_id", sa.Uuid(), nullable=False),
        sa.Column("corrects_id", sa.Uuid(), nullable=True),
        sa.Column("counts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.CheckConstraint("debit_account_id <> credit_account_id", name="two_accounts"),
        sa.CheckConstraint(
            "kind IN ('fund', 'grant', 'capture', 'cancellation', 'refund', 'remit', 'settle')",
            name="kind",
        ),
        sa.PrimaryKeyConstraint("id"),
        schema="ledger",
        postgresql_partition_by="RANGE (id)",
    )
    for account in ("debit_account_id", "credit_account_id"):
        op.create_index(f"ix_transfer_{account}_id", "transfer", [account, "id"], schema="ledger")
    for year in range(FIRST_YEAR, LAST_YEAR):
        op.execute(
            f"CREATE TABLE ledger.transfer_{year} PARTITION OF ledger.transfer "
            f"FOR VALUES FROM ('{_first_id_of(year)}') TO ('{_first_id_of(year + 1)}')"
        )
        never_truncated(f"ledger.transfer_{year}")
    op.execute("CREATE TABLE ledger.transfer_other PARTITION OF ledger.transfer DEFAULT")
    never_truncated("ledger.transfer_other")
    append_only("ledger.transfer")
    op.create_table(
        "idempotency",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("outcome", postgresql.JSONB(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(key) BETWEEN 8 AND 128", name="key"),
        sa.PrimaryKeyConstraint("scope", "key"),
        schema="ledger",
    )
    for table in ("idempotency", "account", "share_plan", "share"):
        append_only(f"ledger.{table}")
    op.execute(f"REVOKE DELETE, TRUNCATE ON ledger.balance FROM {APPLICATION_ROLE}")


def _first_id_of(year: int) -> str:
    """Return the smallest UUIDv7 of a year: 48 bits of milliseconds, then zeros."""
    digits = f"{int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * 1000:012x}"
    return f"{digits[:8]}-{digits[8:]}-0000-0000-000000000000"


def downgrade() -> None:
    """Take this revision back."""
    op.execute("DROP SCHEMA ledger CASCADE")
