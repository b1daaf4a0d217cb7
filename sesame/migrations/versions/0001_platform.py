"""Platform: scheme, jobs, identities; the rule of append-only tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from sesame.migrations.privileges import create_schema, hide_from_reader

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""
    create_schema("platform")
    op.execute(
        """
        CREATE FUNCTION platform.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% on %.% is refused: its rows are only ever appended',
                TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'SP001';
        END $$
        """
    )
    op.create_table(
        "scheme",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("only_one", sa.Boolean(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("only_one", name="only_one"),
        sa.CheckConstraint("kind IN ('production', 'demonstration')", name="kind"),
        sa.CheckConstraint("issuer ~ '^[A-Z0-9-]{2,12}$'", name="issuer"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("only_one"),
        schema="platform",
    )
    op.create_table(
        "job",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("arguments", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'done', 'failed')", name="state"),
        sa.CheckConstraint("attempts >= 0", name="attempts"),
        sa.PrimaryKeyConstraint("id"),
        schema="platform",
    )
    op.create_index(
        "ix_job_waiting",
        "job",
        ["due_at"],
        schema="platform",
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "identity",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("login", sa.Text(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role IN ('beneficiary', 'school', 'merchant', 'officer', 'accountant', 'auditor')",
            name="role",
        ),
        sa.CheckConstraint("(login IS NULL) = (password_hash IS NULL)", name="login_with_password"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("login"),
        schema="platform",
    )
    op.create_index(None, "identity", ["subject_id"], schema="platform")
    op.create_table(
        "session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("identity_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["identity_id"], ["platform.identity.id"]),
        sa.PrimaryKeyConstraint("id"),
        schema="platform",
    )
    op.create_index(None, "session", ["identity_id"], schema="platform")
    op.create_table(
        "failed_attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema="platform",
    )
    op.create_index(
        "ix_failed_attempt_subject_at", "failed_attempt", ["subject", "at"], schema="platform"
    )
    op.create_index("ix_failed_attempt_at", "failed_attempt", ["at"], schema="platform")
    hide_from_reader("platform.identity", "password_hash")
    hide_from_reader("platform.session")
    hide_from_reader("platform.failed_attempt")


def downgrade() -> None:
    """Take this revision back."""
    op.execute("DROP SCHEMA platform CASCADE")
