"""Cards, issuer and phone keys, tokens; the card's life cycle as the database guards it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from sesame.migrations.privileges import append_only
from sesame.platform.database.connection import APPLICATION_ROLE

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Lost and expired are final: the person gets another card.
MOVES = (
    ("active", "blocked"),
    ("blocked", "active"),
    ("active", "lost"),
    ("blocked", "lost"),
    ("active", "expired"),
    ("blocked", "expired"),
)


def upgrade() -> None:
    """Apply this revision."""
    _cards()
    _keys_and_tokens()
    _guards()


def _cards() -> None:
    op.create_table(
        "card",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("beneficiary_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('active', 'blocked', 'lost', 'expired')", name="state"),
        sa.CheckConstraint("number ~ '^[0-9]{12}$'", name="number"),
        sa.ForeignKeyConstraint(["beneficiary_id"], ["cardsvc.beneficiary.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
        schema="cardsvc",
    )
    op.create_index("ix_card_beneficiary_id", "card", ["beneficiary_id"], schema="cardsvc")
    op.create_index(
        "uq_card_live",
        "card",
        ["beneficiary_id"],
        unique=True,
        schema="cardsvc",
        postgresql_where=sa.text("state IN ('active', 'blocked')"),
    )
    moves = op.create_table(
        "card_move",
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("from_state", "to_state"),
        schema="cardsvc",
    )
    op.bulk_insert(moves, [{"from_state": one, "to_state": other} for one, other in MOVES])
    append_only("cardsvc.card_move")
    op.execute(f"REVOKE INSERT ON cardsvc.card_move FROM {APPLICATION_ROLE}")
    op.create_table(
        "card_transition",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("card_id", sa.Uuid(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("reason ~ '^[a-z][a-z_]{1,39}$'", name="reason"),
        sa.ForeignKeyConstraint(["card_id"], ["cardsvc.card.id"]),
        sa.ForeignKeyConstraint(
            ["from_state", "to_state"],
            ["cardsvc.card_move.from_state", "cardsvc.card_move.to_state"],
        ),
        sa.PrimaryKeyConstraint("id"),
        schema="cardsvc",
    )
    op.create_index("ix_card_transition_card_id", "card_transition", ["card_id"], schema="cardsvc")
    append_only("cardsvc.card_transition")


def _keys_and_tokens() -> None:
    op.create_table(
        "issuer_key",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("public_jwk", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("key_id ~ '^[0-9a-f]{16}$'", name="key_id"),
        sa.CheckConstraint("state IN ('active', 'retired', 'withdrawn')", name="state"),
        sa.PrimaryKeyConstraint("key_id"),
        schema="cardsvc",
    )
    op.create_index(
        "uq_issuer_key_active",
        "issuer_key",
        ["issuer"],
        unique=True,
        schema="cardsvc",
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_table(
        "phone_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("card_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column("public_jwk", postgresql.JSONB(), nullable=False),
        sa.Column("thumbprint", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('active', 'revoked')", name="state"),
        sa.CheckConstraint("(state = 'revoked') = (revoked_at IS NOT NULL)", name="revoked"),
        sa.CheckConstraint("slot BETWEEN 1 AND 3", name="slot"),
        sa.CheckConstraint("octet_length(thumbprint) = 32", name="thumbprint"),
        sa.ForeignKeyConstraint(["card_id"], ["cardsvc.card.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("id", "card_id"),
        sa.UniqueConstraint("thumbprint"),
        schema="cardsvc",
    )
    op.create_index("ix_phone_key_card_id", "phone_key", ["card_id"], schema="cardsvc")
    op.create_index(
        "uq_phone_key_slot",
        "phone_key",
        ["card_id", "slot"],
        unique=True,
        schema="cardsvc",
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_table(
        "token",
        sa.Column("token_id", sa.LargeBinary(), nullable=False),
        sa.Column("card_id", sa.Uuid(), nullable=False),
        sa.Column("phone_key_id", sa.Uuid(), nullable=False),
        sa.Column("status_index", sa.BigInteger(), nullable=False),
        sa.Column("issuer_key_id", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(token_id) = 16", name="token_id"),
        sa.CheckConstraint("status_index BETWEEN 0 AND 4294967295", name="status_index"),
        sa.CheckConstraint("expires_at > issued_at", name="expires"),
        sa.ForeignKeyConstraint(
            ["phone_key_id", "card_id"], ["cardsvc.phone_key.id", "cardsvc.phone_key.card_id"]
        ),
        sa.ForeignKeyConstraint(["issuer_key_id"], ["cardsvc.issuer_key.key_id"]),
        sa.PrimaryKeyConstraint("token_id"),
        sa.UniqueConstraint("status_index"),
        schema="cardsvc",
    )
    op.create_index("ix_token_phone_key_id", "token", ["phone_key_id"], schema="cardsvc")
    append_only("cardsvc.token")
    op.execute("CREATE SEQUENCE cardsvc.token_number MINVALUE 0 START 0")
    op.execute(f"GRANT USAGE ON SEQUENCE cardsvc.token_number TO {APPLICATION_ROLE}")


def _guards() -> None:
    """A card is moved by its transitions alone: the application has no UPDATE on it at all."""
    op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON cardsvc.card FROM {APPLICATION_ROLE}")
    op.execute(
        """
        CREATE FUNCTION cardsvc.guard_card() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'INSERT' THEN
                IF NEW.state <> 'active' THEN
                    RAISE EXCEPTION 'a card begins active, not %', NEW.state
                        USING ERRCODE = 'SC001';
                END IF;
                RETURN NEW;
            END IF;
            IF (OLD.id, OLD.beneficiary_id, OLD.number, OLD.opened_at)
                IS DISTINCT FROM (NEW.id, NEW.beneficiary_id, NEW.number, NEW.opened_at) THEN
                RAISE EXCEPTION 'a card never changes holder or number' USING ERRCODE = 'SC001';
            END IF;
            IF NOT EXISTS (SELECT 1 FROM cardsvc.card_move
                            WHERE from_state = OLD.state AND to_state = NEW.state) THEN
                RAISE EXCEPTION 'a card does not go from % to %', OLD.state, NEW.state
                    USING ERRCODE = 'SC001';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER card_guarded BEFORE INSERT OR UPDATE ON cardsvc.card "
        "FOR EACH ROW EXECUTE FUNCTION cardsvc.guard_card()"
    )
    # Runs as the owner: the application can move a card by leaving a trace, and not otherwise. So it
    # serves no other table, which anybody may make with this function as its trigger.
    op.execute(
        """
        CREATE FUNCTION cardsvc.move_card() RETURNS trigger LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        BEGIN
            IF TG_RELID <> 'cardsvc.card_transition'::regclass THEN
                RAISE EXCEPTION 'cards are moved by their transitions alone'
                    USING ERRCODE = 'SC001';
            END IF;
            UPDATE cardsvc.card SET state = NEW.to_state
             WHERE id = NEW.card_id AND state = NEW.from_state;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'the card is not in the state %', NEW.from_state
                    USING ERRCODE = 'SC001';
            END IF;
            RETURN NULL;
        END $$
        """
    )
    op.execute("REVOKE EXECUTE ON FUNCTION cardsvc.move_card() FROM PUBLIC")
    # After, and not before: a row that ON CONFLICT DO NOTHING leaves out moves nothing.
    op.execute(
        "CREATE TRIGGER card_transition_moves AFTER INSERT ON cardsvc.card_transition "
        "FOR EACH ROW EXECUTE FUNCTION cardsvc.move_card()"
    )


def downgrade() -> None:
    """Take this revision back."""
    op.execute("DROP SEQUENCE cardsvc.token_number")
    for table in ("token", "phone_key", "issuer_key", "card_transition", "card", "card_move"):
        op.drop_table(table, schema="cardsvc")
    op.execute("DROP FUNCTION cardsvc.move_card()")
    op.execute("DROP FUNCTION cardsvc.guard_card()")
