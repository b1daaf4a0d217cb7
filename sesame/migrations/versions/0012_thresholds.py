"""Ledger: thresholds that warn before, and the figures of closed months."""

import sqlalchemy as sa
from alembic import op

from sesame.migrations.privileges import append_only

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_CENTS = ("funded", "granted", "expired", "given_back", "spent")


def upgrade() -> None:
    """Apply this revision."""
    op.create_table(
        "envelope_month",
        sa.Column("envelope_id", sa.Uuid(), nullable=False),
        sa.Column("counts_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counts_from", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(f"{name}_cents", sa.BigInteger(), nullable=False) for name in _CENTS),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("counts_before > counts_from", name="period"),
        sa.ForeignKeyConstraint(["envelope_id"], ["ledger.account.id"]),
        sa.PrimaryKeyConstraint("envelope_id", "counts_before"),
        schema="ledger",
    )
    op.create_table(
        "threshold",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("below_cents", sa.BigInteger(), nullable=True),
        sa.Column("set_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("below_cents > 0", name="below"),
        sa.ForeignKeyConstraint(["account_id"], ["ledger.account.id"]),
        sa.PrimaryKeyConstraint("account_id", "set_at"),
        schema="ledger",
    )
    op.create_table(
        "threshold_warning",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("below_cents", sa.BigInteger(), nullable=False),
        sa.Column("balance_cents", sa.BigInteger(), nullable=False),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("below_cents > 0", name="below"),
        sa.ForeignKeyConstraint(["account_id"], ["ledger.account.id"]),
        sa.PrimaryKeyConstraint("id"),
        schema="ledger",
    )
    op.create_index(
        "ix_threshold_warning_account_id_id",
        "threshold_warning",
        ["account_id", "id"],
        schema="ledger",
    )
    for table in ("envelope_month", "threshold", "threshold_warning"):
        append_only(f"ledger.{table}")


def downgrade() -> None:
    """Take this revision back."""
    for table in ("threshold_warning", "threshold", "envelope_month"):
        op.drop_table(table, schema="ledger")
