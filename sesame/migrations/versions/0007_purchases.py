"""Decisions on purchases."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from sesame.migrations.privileges import append_only

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""
    op.create_table(
        "decision",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("terminal_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("payee_id", sa.Uuid(), nullable=False),
        sa.Column("convention_version_id", sa.Uuid(), nullable=True),
        sa.Column("beneficiary_id", sa.Uuid(), nullable=True),
        sa.Column("card_id", sa.Uuid(), nullable=True),
        sa.Column("token_id", sa.LargeBinary(), nullable=True),
        sa.Column("proof_nonce", sa.LargeBinary(), nullable=True),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("authorisation", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("approved_cents", sa.BigInteger(), nullable=False),
        sa.Column("accept_partial", sa.Boolean(), nullable=False),
        sa.Column("reasons", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("lines", postgresql.JSONB(), nullable=False),
        sa.Column("figures", postgresql.JSONB(), nullable=False),
        sa.Column("programme_version_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("transfer_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.CheckConstraint("outcome IN ('approved', 'partial', 'refused')", name="outcome"),
        sa.CheckConstraint("amount_cents > 0", name="amount"),
        sa.CheckConstraint("approved_cents BETWEEN 0 AND amount_cents", name="approved"),
        sa.CheckConstraint(
            "(outcome = 'refused') = (approved_cents = 0)", name="refused_is_nothing"
        ),
        sa.CheckConstraint(
            "(outcome = 'approved') = (approved_cents = amount_cents)", name="whole"
        ),
        sa.PrimaryKeyConstraint("id"),
        schema="merchants",
    )
    op.create_index(
        "uq_decision_proof",
        "decision",
        ["token_id", "proof_nonce"],
        unique=True,
        schema="merchants",
        postgresql_where=sa.text("outcome <> 'refused'"),
    )
    for subject in ("beneficiary_id", "merchant_id"):
        op.create_index(
            f"ix_decision_{subject}_id", "decision", [subject, "id"], schema="merchants"
        )
    append_only("merchants.decision")


def downgrade() -> None:
    """Take this revision back."""
    op.drop_table("decision", schema="merchants")
