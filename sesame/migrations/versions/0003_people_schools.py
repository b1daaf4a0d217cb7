"""People and schools."""

import sqlalchemy as sa
from alembic import op

from sesame.migrations.privileges import append_only, create_schema, hide_from_reader

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""
    create_schema("cardsvc")
    op.create_table(
        "beneficiary",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ine", sa.Text(), nullable=True),
        sa.Column("family_name", sa.Text(), nullable=False),
        sa.Column("usual_name", sa.Text(), nullable=True),
        sa.Column("given_name", sa.Text(), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(ine) = 11", name="ine"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("ine"),
        schema="cardsvc",
    )
    op.create_table(
        "fact",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("beneficiary_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("name ~ '^[a-z][a-z0-9_]{0,39}$'", name="name"),
        sa.CheckConstraint("valid_until IS NULL OR valid_until >= valid_from", name="valid"),
        sa.ForeignKeyConstraint(["beneficiary_id"], ["cardsvc.beneficiary.id"]),
        sa.PrimaryKeyConstraint("id"),
        schema="cardsvc",
    )
    op.create_index(
        "uq_fact_open",
        "fact",
        ["beneficiary_id", "name", "value"],
        unique=True,
        schema="cardsvc",
        postgresql_where=sa.text("valid_until IS NULL"),
    )
    op.create_index("ix_fact_beneficiary_id", "fact", ["beneficiary_id"], schema="cardsvc")
    op.create_index("ix_fact_name_value", "fact", ["name", "value"], schema="cardsvc")
    _schools()
    _rolls()
    _codes()


def _schools() -> None:
    op.create_table(
        "school",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("uai", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("nature_code", sa.Text(), nullable=False),
        sa.Column("sector", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("postal_code", sa.Text(), nullable=False),
        sa.Column("town", sa.Text(), nullable=False),
        sa.Column("insee", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("academy", sa.Text(), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("uai ~ '^[0-9]{3}[0-9]{4}[A-HJ-NPR-Z]$'", name="uai"),
        sa.CheckConstraint("sector IN ('public', 'private')", name="sector"),
        sa.CheckConstraint("state IN ('open', 'closing', 'closed')", name="state"),
        sa.CheckConstraint("department ~ '^([0-9]{2,3}|2[AB])$'", name="department"),
        sa.CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="position"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("uai"),
        schema="cardsvc",
    )


def _rolls() -> None:
    op.create_table(
        "roll",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("school_id", sa.Uuid(), nullable=False),
        sa.Column("school_year", sa.BigInteger(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("file_hash", sa.LargeBinary(), nullable=False),
        sa.Column("exported_on", sa.Date(), nullable=True),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("imported_by", sa.Uuid(), nullable=True),
        sa.Column("new_pupils", sa.BigInteger(), nullable=False),
        sa.Column("changed_pupils", sa.BigInteger(), nullable=False),
        sa.Column("left_pupils", sa.BigInteger(), nullable=False),
        sa.Column("unchanged_pupils", sa.BigInteger(), nullable=False),
        sa.Column("skipped_pupils", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("length(file_hash) = 32", name="file_hash"),
        sa.CheckConstraint("school_year BETWEEN 2000 AND 2999", name="school_year"),
        sa.ForeignKeyConstraint(["school_id"], ["cardsvc.school.id"]),
        sa.PrimaryKeyConstraint("id"),
        schema="cardsvc",
    )
    op.create_index(
        "ix_roll_school_id_imported_at", "roll", ["school_id", "imported_at"], schema="cardsvc"
    )
    append_only("cardsvc.roll")
    op.create_table(
        "roll_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("school_id", sa.Uuid(), nullable=False),
        sa.Column("school_year", sa.BigInteger(), nullable=False),
        sa.Column("beneficiary_id", sa.Uuid(), nullable=False),
        sa.Column("class", sa.Text(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("mef", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("roll_id", sa.Uuid(), nullable=False),
        sa.Column("left_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["school_id"], ["cardsvc.school.id"]),
        sa.ForeignKeyConstraint(["beneficiary_id"], ["cardsvc.beneficiary.id"]),
        sa.ForeignKeyConstraint(["roll_id"], ["cardsvc.roll.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("school_id", "school_year", "beneficiary_id"),
        schema="cardsvc",
    )
    op.create_index(
        "uq_roll_line_open",
        "roll_line",
        ["beneficiary_id"],
        unique=True,
        schema="cardsvc",
        postgresql_where=sa.text("left_on IS NULL"),
    )
    op.create_table(
        "roll_draft",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("school_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["school_id"], ["cardsvc.school.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("school_id"),
        schema="cardsvc",
    )


def _codes() -> None:
    op.create_table(
        "roll_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("beneficiary_id", sa.Uuid(), nullable=False),
        sa.Column("school_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_by_hash", sa.LargeBinary(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("expires_at > created_at", name="expires"),
        sa.CheckConstraint("used_at IS NULL OR revoked_at IS NULL", name="one_end"),
        sa.CheckConstraint("length(code_hash) = 32", name="code_hash"),
        sa.CheckConstraint(
            "used_by_hash IS NULL OR (used_at IS NOT NULL AND length(used_by_hash) = 32)",
            name="used_by_hash",
        ),
        sa.ForeignKeyConstraint(["beneficiary_id"], ["cardsvc.beneficiary.id"]),
        sa.ForeignKeyConstraint(["school_id"], ["cardsvc.school.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code_hash"),
        schema="cardsvc",
    )
    op.create_index(
        "ix_roll_code_beneficiary_id", "roll_code", ["beneficiary_id"], schema="cardsvc"
    )
    op.create_index(
        "uq_roll_code_live",
        "roll_code",
        ["beneficiary_id"],
        unique=True,
        schema="cardsvc",
        postgresql_where=sa.text("used_at IS NULL AND revoked_at IS NULL"),
    )
    hide_from_reader("cardsvc.roll_code", "code_hash", "used_by_hash")


def downgrade() -> None:
    """Take this revision back."""
    op.execute("DROP SCHEMA cardsvc CASCADE")
