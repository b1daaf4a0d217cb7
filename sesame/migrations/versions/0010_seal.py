"""Ledger: the seal. Bundles of leaves, tiles of the tree above, rounds, signed checkpoints."""

import sqlalchemy as sa
from alembic import op

from sesame.migrations.privileges import append_only

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# What is sealed stays: a bundle or a tile only grows at its end, and only the last one does.
_RULES = """
CREATE FUNCTION ledger.check_seal_bundle() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_had integer;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.number > 0 AND NOT EXISTS (
            SELECT 1 FROM ledger.seal_bundle
             WHERE number = NEW.number - 1 AND cardinality(transfer_ids) = 256
        ) THEN
            RAISE EXCEPTION 'leaves are sealed one after the other' USING ERRCODE = 'SP001';
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        v_had := cardinality(OLD.transfer_ids);
        IF NEW.number = OLD.number AND NEW.transfer_ids[1:v_had] = OLD.transfer_ids
           AND substring(NEW.hashes FOR octet_length(OLD.hashes)) = OLD.hashes THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'what is sealed stays' USING ERRCODE = 'SP001';
END $$;
CREATE TRIGGER seal_bundle_rules BEFORE INSERT OR UPDATE OR DELETE ON ledger.seal_bundle
FOR EACH ROW EXECUTE FUNCTION ledger.check_seal_bundle();
CREATE TRIGGER seal_bundle_not_truncated BEFORE TRUNCATE ON ledger.seal_bundle
FOR EACH STATEMENT EXECUTE FUNCTION platform.refuse_change();

CREATE FUNCTION ledger.check_seal_tile() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.level, NEW.number) = (OLD.level, OLD.number)
       AND substring(NEW.hashes FOR octet_length(OLD.hashes)) = OLD.hashes THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'what is sealed stays' USING ERRCODE = 'SP001';
END $$;
CREATE TRIGGER seal_tile_rules BEFORE UPDATE OR DELETE ON ledger.seal_tile
FOR EACH ROW EXECUTE FUNCTION ledger.check_seal_tile();
CREATE TRIGGER seal_tile_not_truncated BEFORE TRUNCATE ON ledger.seal_tile
FOR EACH STATEMENT EXECUTE FUNCTION platform.refuse_change();
"""


def upgrade() -> None:
    """Apply this revision."""
    op.execute("CREATE TYPE ledger.uuid_range AS RANGE (subtype = uuid)")
    op.create_table(
        "seal_bundle",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("transfer_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.Column("lowest_id", sa.Uuid(), nullable=False),
        sa.Column("highest_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("number >= 0", name="number"),
        sa.CheckConstraint(
            "cardinality(transfer_ids) BETWEEN 1 AND 256"
            " AND octet_length(hashes) = 32 * cardinality(transfer_ids)",
            name="leaves",
        ),
        sa.CheckConstraint("lowest_id <= highest_id", name="range"),
        sa.PrimaryKeyConstraint("number"),
        schema="ledger",
    )
    op.create_index(
        "ix_seal_bundle_ids", "seal_bundle",
        [sa.text("ledger.uuid_range(lowest_id, highest_id, '[]'::text)")],
        schema="ledger", postgresql_using="gist",
    )  # fmt: skip
    # Neither hashes nor ids compress: kept as they are, without trying.
    op.execute(
        "ALTER TABLE ledger.seal_bundle ALTER COLUMN hashes SET STORAGE EXTERNAL,"
        " ALTER COLUMN transfer_ids SET STORAGE EXTERNAL"
    )
    op.create_table(
        "seal_tile",
        sa.Column("level", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("level BETWEEN 1 AND 7 AND number >= 0", name="place"),
        sa.CheckConstraint(
            "octet_length(hashes) BETWEEN 32 AND 8192 AND octet_length(hashes) % 32 = 0",
            name="hashes",
        ),
        sa.PrimaryKeyConstraint("level", "number"),
        schema="ledger",
    )
    op.execute("ALTER TABLE ledger.seal_tile ALTER COLUMN hashes SET STORAGE EXTERNAL")
    op.create_table(
        "seal_round",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("snapshot", sa.Text(), nullable=False),
        sa.Column("system_identifier", sa.Text(), nullable=False),
        sa.Column("started_over", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("size > 0", name="size"),
        sa.CheckConstraint("octet_length(root) = 32", name="root"),
        sa.PrimaryKeyConstraint("size"),
        schema="ledger",
    )
    append_only("ledger.seal_round")
    op.create_table(
        "checkpoint",
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("time_stamp", sa.LargeBinary(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["size"], ["ledger.seal_round.size"]),
        sa.PrimaryKeyConstraint("size"),
        schema="ledger",
    )
    append_only("ledger.checkpoint")
    op.execute(_RULES)


def downgrade() -> None:
    """Take this revision back."""
    for function in (
        "leaf_of(uuid)",
        "seal_leaves(bigint, uuid[], bytea)",
        "seal_nodes(integer, bigint, bytea)",
        "end_seal_round(bigint, bytea, text, text, boolean, timestamptz)",
        "keep_checkpoint(bigint, text, bytea, timestamptz)",
    ):
        op.execute(f"DROP FUNCTION IF EXISTS ledger.{function}")
    for table in ("checkpoint", "seal_round", "seal_tile", "seal_bundle"):
        op.drop_table(table, schema="ledger")
    for function in ("check_seal_bundle", "check_seal_tile"):
        op.execute(f"DROP FUNCTION ledger.{function}()")
    op.execute("DROP TYPE ledger.uuid_range")
