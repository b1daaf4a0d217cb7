"""Merchants, conventions, terminals."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from sesame.migrations.privileges import append_only, create_schema, hide_from_reader
from sesame.platform.database.connection import APPLICATION_ROLE

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# What may follow what; the first state of each is what its transition number 1 leads to.
CONVENTION_TRANSITIONS = (
    ("draft", "active"),
    ("draft", "terminated"),
    ("active", "suspended"),
    ("active", "terminated"),
    ("suspended", "active"),
    ("suspended", "terminated"),
)
TERMINAL_TRANSITIONS = (
    ("active", "suspended"),
    ("active", "revoked"),
    ("suspended", "active"),
    ("suspended", "revoked"),
)


def upgrade() -> None:
    """Apply this revision."""
    create_schema("merchants")
    _create_directory()
    _create_conventions()
    _create_terminals()


def downgrade() -> None:
    """Take this revision back."""
    op.execute("DROP SCHEMA merchants CASCADE")


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _id(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def _create_directory() -> None:
    op.create_table(
        "merchant",
        _id("id"),
        _text("siren"),
        _text("name"),
        _text("legal_form", nullable=True),
        _text("naf", nullable=True),
        _text("email", nullable=True),
        _text("phone", nullable=True),
        _text("state"),
        _moment("created_at"),
        sa.CheckConstraint("siren ~ '^[0-9]{9}$'", name="siren"),
        sa.CheckConstraint("btrim(name) = name AND name <> ''", name="name"),
        sa.CheckConstraint("state IN ('open', 'closed')", name="state"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("siren"),
        schema="merchants",
    )
    op.create_table(
        "payee",
        _id("id"),
        _id("merchant_id"),
        _text("holder"),
        _text("iban"),
        _text("bic", nullable=True),
        _text("building_number", nullable=True),
        _text("street"),
        _text("postal_code"),
        _text("town"),
        _text("country"),
        _moment("created_at"),
        sa.CheckConstraint("iban ~ '^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$'", name="iban"),
        sa.CheckConstraint("bic ~ '^[A-Z0-9]{8}([A-Z0-9]{3})?$'", name="bic"),
        sa.CheckConstraint("length(holder) BETWEEN 1 AND 70", name="holder"),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name="country"),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.merchant.id"]),
        sa.PrimaryKeyConstraint("id"),
        schema="merchants",
    )
    op.create_index(None, "payee", ["merchant_id"], schema="merchants")
    op.create_table(
        "site",
        _id("id"),
        _id("merchant_id"),
        _id("payee_id"),
        _text("siret"),
        _text("name"),
        _text("address_line"),
        _text("postal_code"),
        _text("town"),
        _text("insee"),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("categories", postgresql.ARRAY(sa.Text()), nullable=False),
        _moment("created_at"),
        sa.CheckConstraint("siret ~ '^[0-9]{14}$'", name="siret"),
        sa.CheckConstraint("btrim(name) = name AND name <> ''", name="name"),
        sa.CheckConstraint("latitude BETWEEN -90 AND 90", name="latitude"),
        sa.CheckConstraint("longitude BETWEEN -180 AND 180", name="longitude"),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.merchant.id"]),
        sa.ForeignKeyConstraint(["payee_id"], ["merchants.payee.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("siret"),
        schema="merchants",
    )
    op.create_index(None, "site", ["merchant_id"], schema="merchants")
    op.create_index(None, "site", ["payee_id"], schema="merchants")
    op.create_table(
        "payable_account",
        _id("payee_id"),
        _id("paying_envelope_id"),
        _id("account_id"),
        _moment("opened_at"),
        sa.ForeignKeyConstraint(["payee_id"], ["merchants.payee.id"]),
        sa.ForeignKeyConstraint(["account_id"], ["ledger.account.id"]),
        sa.PrimaryKeyConstraint("payee_id", "paying_envelope_id"),
        sa.UniqueConstraint("account_id"),
        schema="merchants",
    )
    append_only("merchants.payable_account")


def _create_conventions() -> None:
    op.create_table(
        "convention",
        _id("id"),
        _id("merchant_id"),
        _moment("created_at"),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.merchant.id"]),
        sa.PrimaryKeyConstraint("id"),
        schema="merchants",
    )
    op.create_index(None, "convention", ["merchant_id"], schema="merchants")
    op.create_table(
        "convention_version",
        _id("id"),
        _id("convention_id"),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(), nullable=False),
        _moment("valid_from"),
        _moment("valid_until", nullable=True),
        _moment("created_at"),
        sa.CheckConstraint("number >= 1", name="number"),
        sa.CheckConstraint("valid_until IS NULL OR valid_until > valid_from", name="valid"),
        sa.CheckConstraint("jsonb_typeof(parameters -> 'categories') = 'array'", name="categories"),
        sa.ForeignKeyConstraint(["convention_id"], ["merchants.convention.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("convention_id", "number"),
        schema="merchants",
    )
    append_only("merchants.convention_version")
    _create_transitions(
        "convention", ("draft", "active", "suspended", "terminated"), CONVENTION_TRANSITIONS
    )


def _create_terminals() -> None:
    op.create_table(
        "terminal",
        _id("id"),
        _id("site_id"),
        sa.Column("number", sa.BigInteger(), nullable=False),
        _text("kind"),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        _moment("enrolled_at"),
        sa.CheckConstraint("kind IN ('till', 'reader')", name="kind"),
        sa.CheckConstraint("octet_length(public_key) = 65", name="public_key"),
        sa.CheckConstraint("number >= 1", name="number"),
        sa.ForeignKeyConstraint(["site_id"], ["merchants.site.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("site_id", "number"),
        sa.UniqueConstraint("public_key"),
        schema="merchants",
    )
    append_only("merchants.terminal")
    _create_transitions("terminal", ("active", "suspended", "revoked"), TERMINAL_TRANSITIONS)
    op.create_table(
        "terminal_code",
        _id("id"),
        _id("site_id"),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        _moment("created_at"),
        _moment("expires_at"),
        _moment("used_at", nullable=True),
        _id("terminal_id", nullable=True),
        sa.CheckConstraint("(used_at IS NULL) = (terminal_id IS NULL)", name="used"),
        sa.CheckConstraint("expires_at > created_at", name="expires"),
        sa.ForeignKeyConstraint(["site_id"], ["merchants.site.id"]),
        sa.ForeignKeyConstraint(["terminal_id"], ["merchants.terminal.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code_hash"),
        schema="merchants",
    )
    op.create_index("ix_terminal_code_site_id", "terminal_code", ["site_id"], schema="merchants")
    hide_from_reader("merchants.terminal_code", "code_hash")


def _create_transitions(
    thing: str, states: tuple[str, ...], allowed: tuple[tuple[str, str], ...]
) -> None:
    """Create `<thing>_allowed`, `<thing>_transition`, and the trigger that holds them together."""
    allowed_table = op.create_table(
        f"{thing}_allowed",
        _text("from_state"),
        _text("to_state"),
        sa.PrimaryKeyConstraint("from_state", "to_state"),
        schema="merchants",
    )
    op.bulk_insert(
        allowed_table, [{"from_state": before, "to_state": after} for before, after in allowed]
    )
    append_only(f"merchants.{thing}_allowed")
    op.execute(f"REVOKE INSERT ON merchants.{thing}_allowed FROM {APPLICATION_ROLE}")
    op.create_table(
        f"{thing}_transition",
        _id(f"{thing}_id"),
        sa.Column("number", sa.BigInteger(), nullable=False),
        _text("from_state", nullable=True),
        _text("to_state"),
        _text("reason"),
        _moment("at"),
        sa.CheckConstraint(f"to_state IN {states}", name="to_state"),
        sa.ForeignKeyConstraint([f"{thing}_id"], [f"merchants.{thing}.id"]),
        sa.PrimaryKeyConstraint(f"{thing}_id", "number"),
        schema="merchants",
    )
    append_only(f"merchants.{thing}_transition")
    op.execute(
        f"""
        CREATE FUNCTION merchants.check_{thing}_transition() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            v_last merchants.{thing}_transition;
        BEGIN
            SELECT * INTO v_last FROM merchants.{thing}_transition
             WHERE {thing}_id = NEW.{thing}_id ORDER BY number DESC LIMIT 1;
            IF v_last.number IS NULL THEN
                IF NEW.number = 1 AND NEW.from_state IS NULL AND NEW.to_state = '{states[0]}' THEN
                    RETURN NEW;
                END IF;
            ELSIF NEW.number = v_last.number + 1 AND NEW.from_state = v_last.to_state
                  AND NEW.at >= v_last.at
                  AND EXISTS (SELECT 1 FROM merchants.{thing}_allowed
                               WHERE from_state = NEW.from_state AND to_state = NEW.to_state) THEN
                RETURN NEW;
            END IF;
            RAISE EXCEPTION '{thing}: transition % from % to % is refused',
                NEW.number, NEW.from_state, NEW.to_state USING ERRCODE = 'SM001';
        END $$
        """
    )
    op.execute(
        f"CREATE TRIGGER {thing}_transition_checked BEFORE INSERT ON merchants.{thing}_transition "
        f"FOR EACH ROW EXECUTE FUNCTION merchants.check_{thing}_transition()"
    )
