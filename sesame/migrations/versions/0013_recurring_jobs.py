"""Platform: when each recurring job was last added."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""
    op.create_table(
        "recurring_job",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("enqueued_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        schema="platform",
    )


def downgrade() -> None:
    """Take this revision back."""
    op.drop_table("recurring_job", schema="platform")
