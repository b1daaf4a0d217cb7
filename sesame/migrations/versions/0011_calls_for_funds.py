"""Ledger: calls for funds, what a paying envelope asked of the other funders."""

import sqlalchemy as sa
from alembic import op

from sesame.migrations.privileges import append_only

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""
    op.create_table(
        "call_for_funds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("envelope_id", sa.Uuid(), nullable=False),
        sa.Column("paying_envelope_id", sa.Uuid(), nullable=False),
        sa.Column("counted_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("borne_cents", sa.BigInteger(), nullable=False),
        sa.Column("called_cents", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("envelope_id <> paying_envelope_id", name="two_envelopes"),
        sa.CheckConstraint("called_cents > 0 AND called_cents <= borne_cents", name="called"),
        sa.CheckConstraint("counted_before <= recorded_at", name="not_ahead"),
        sa.ForeignKeyConstraint(["envelope_id"], ["ledger.account.id"]),
        sa.ForeignKeyConstraint(["paying_envelope_id"], ["ledger.account.id"]),
        sa.PrimaryKeyConstraint("id"),
        schema="ledger",
    )
    op.create_index(
        "ix_call_for_funds_envelope_id",
        "call_for_funds",
        ["envelope_id", "paying_envelope_id"],
        schema="ledger",
    )
    append_only("ledger.call_for_funds")


def downgrade() -> None:
    """Take this revision back."""
    op.drop_table("call_for_funds", schema="ledger")
