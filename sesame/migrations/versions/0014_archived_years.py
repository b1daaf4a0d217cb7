"""Ledger: years that were detached from the book, and the view that still shows every transfer."""

import sqlalchemy as sa
from alembic import op

from sesame.migrations.privileges import append_only
from sesame.platform.database.connection import APPLICATION_ROLE, READER_ROLE

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""
    op.create_table(
        "archived_year",
        sa.Column("year", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("transfers", sa.BigInteger(), nullable=False),
        sa.Column("export_manifest_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("transfers >= 0", name="transfers"),
        sa.PrimaryKeyConstraint("year"),
        schema="ledger",
    )
    append_only("ledger.archived_year")
    op.execute("CREATE VIEW ledger.every_transfer AS SELECT * FROM ledger.transfer")
    op.execute(f"GRANT SELECT ON ledger.every_transfer TO {APPLICATION_ROLE}, {READER_ROLE}")


def downgrade() -> None:
    """Take this revision back. Refused where a year was detached."""
    op.execute("DROP VIEW ledger.every_transfer")
    op.drop_table("archived_year", schema="ledger")
