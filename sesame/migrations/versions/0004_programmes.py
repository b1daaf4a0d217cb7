"""Programmes, envelopes, entitlements."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from sesame.migrations.privileges import append_only
from sesame.platform.database.connection import APPLICATION_ROLE

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""
    _funders_and_envelopes()
    _versions()
    _entitlements()
    for table in ("programme_version", "programme_publication", "grant_batch"):
        append_only(f"cardsvc.{table}")
    # Never changed; deleted only when a person's rows are erased.
    op.execute(
        "CREATE TRIGGER cardsvc_entitlement_not_changed BEFORE UPDATE ON cardsvc.entitlement "
        "FOR EACH ROW EXECUTE FUNCTION platform.refuse_change()"
    )
    op.execute(f"REVOKE UPDATE, TRUNCATE ON cardsvc.entitlement FROM {APPLICATION_ROLE}")
    for table in ("funder", "programme", "envelope"):
        op.execute(f"REVOKE DELETE, TRUNCATE ON cardsvc.{table} FROM {APPLICATION_ROLE}")


def _funders_and_envelopes() -> None:
    op.create_table(
        "funder",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("siren", sa.Text(), nullable=False),
        sa.Column("iban", sa.Text(), nullable=False),
        sa.Column("bic", sa.Text(), nullable=False),
        sa.Column("street", sa.Text(), nullable=True),
        sa.Column("postal_code", sa.Text(), nullable=True),
        sa.Column("town", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("funding_account_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("code ~ '^[a-z][a-z0-9-]{1,39}$'", name="code"),
        sa.CheckConstraint("siren ~ '^[0-9]{9}$'", name="siren"),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name="country"),
        sa.ForeignKeyConstraint(["funding_account_id"], ["ledger.account.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
        sa.UniqueConstraint("funding_account_id"),
        schema="cardsvc",
    )
    op.create_table(
        "programme",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("slug ~ '^[a-z0-9][a-z0-9-]{1,59}$'", name="slug"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("slug"),
        schema="cardsvc",
    )
    op.create_table(
        "envelope",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("funder_id", sa.Uuid(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("regime", sa.Text(), nullable=True),
        sa.Column("paying", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("regime IN ('mandate', 'regie', 'mandatement')", name="regime"),
        sa.CheckConstraint("regime IS NOT NULL OR NOT paying", name="paying_has_regime"),
        sa.ForeignKeyConstraint(["funder_id"], ["cardsvc.funder.id"]),
        sa.ForeignKeyConstraint(["programme_id"], ["cardsvc.programme.id"]),
        sa.ForeignKeyConstraint(["account_id"], ["ledger.account.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("funder_id", "programme_id"),
        sa.UniqueConstraint("account_id"),
        schema="cardsvc",
    )


def _versions() -> None:
    op.create_table(
        "programme_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("season", sa.Text(), nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("plan", postgresql.JSONB(), nullable=False),
        sa.Column("share_plan_id", sa.Uuid(), nullable=False),
        sa.Column("paying_envelope_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("number >= 1", name="number"),
        sa.ForeignKeyConstraint(["programme_id"], ["cardsvc.programme.id"]),
        sa.ForeignKeyConstraint(["share_plan_id"], ["ledger.share_plan.id"]),
        sa.ForeignKeyConstraint(["paying_envelope_id"], ["cardsvc.envelope.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("programme_id", "number"),
        schema="cardsvc",
    )
    op.create_table(
        "programme_publication",
        sa.Column("programme_version_id", sa.Uuid(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["programme_version_id"], ["cardsvc.programme_version.id"]),
        sa.PrimaryKeyConstraint("programme_version_id"),
        schema="cardsvc",
    )


def _entitlements() -> None:
    op.create_table(
        "grant_batch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme_version_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("people", sa.BigInteger(), nullable=False),
        sa.Column("total_cents", sa.BigInteger(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("people > 0", name="people"),
        sa.CheckConstraint("total_cents > 0", name="total_cents"),
        sa.ForeignKeyConstraint(["programme_version_id"], ["cardsvc.programme_version.id"]),
        sa.PrimaryKeyConstraint("id"),
        schema="cardsvc",
    )
    op.create_table(
        "grant_shortage",
        sa.Column("programme_version_id", sa.Uuid(), nullable=False),
        sa.Column("people", sa.BigInteger(), nullable=False),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("people > 0", name="people"),
        sa.ForeignKeyConstraint(["programme_version_id"], ["cardsvc.programme_version.id"]),
        sa.PrimaryKeyConstraint("programme_version_id"),
        schema="cardsvc",
    )
    op.create_table(
        "entitlement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("beneficiary_id", sa.Uuid(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("programme_version_id", sa.Uuid(), nullable=False),
        sa.Column("grant_batch_id", sa.Uuid(), nullable=False),
        sa.Column("season", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("paying_envelope_id", sa.Uuid(), nullable=False),
        sa.Column("priority", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("granted_cents", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("granted_cents > 0", name="granted_cents"),
        sa.CheckConstraint("valid_until > valid_from", name="valid"),
        sa.ForeignKeyConstraint(["beneficiary_id"], ["cardsvc.beneficiary.id"]),
        sa.ForeignKeyConstraint(["programme_id"], ["cardsvc.programme.id"]),
        sa.ForeignKeyConstraint(["programme_version_id"], ["cardsvc.programme_version.id"]),
        sa.ForeignKeyConstraint(["grant_batch_id"], ["cardsvc.grant_batch.id"]),
        sa.ForeignKeyConstraint(["account_id"], ["ledger.account.id"]),
        sa.ForeignKeyConstraint(["paying_envelope_id"], ["cardsvc.envelope.id"]),
        sa.PrimaryKeyConstraint("id"),
        # Its index also finds a beneficiary's entitlements: no other is kept for that.
        sa.UniqueConstraint("beneficiary_id", "programme_id", "season", "line"),
        sa.UniqueConstraint("account_id"),
        schema="cardsvc",
    )
    op.create_index(
        "ix_entitlement_programme_id_season",
        "entitlement",
        ["programme_id", "season"],
        schema="cardsvc",
    )
    op.create_table(
        "cap_usage",
        sa.Column("beneficiary_id", sa.Uuid(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("cap_key", sa.Text(), nullable=False),
        sa.Column("used_cents", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("used_cents >= 0", name="used_cents"),
        sa.ForeignKeyConstraint(["beneficiary_id"], ["cardsvc.beneficiary.id"]),
        sa.PrimaryKeyConstraint("beneficiary_id", "period", "cap_key"),
        schema="cardsvc",
    )
    # Room in each page, so that a counter's new version stays beside the old one (HOT updates).
    op.execute("ALTER TABLE cardsvc.cap_usage SET (fillfactor = 70)")


def downgrade() -> None:
    """Take this revision back."""
    for table in (
        "cap_usage",
        "entitlement",
        "grant_shortage",
        "grant_batch",
        "programme_publication",
        "programme_version",
        "envelope",
        "programme",
        "funder",
    ):
        op.drop_table(table, schema="cardsvc")
