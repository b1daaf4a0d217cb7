"""The ledger's tables. Transfers and idempotency rows are only ever appended."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped

from sesame.platform.database import Base, plain

ACCOUNT_KINDS = (
    *("funding", "envelope", "entitlement", "backing", "issued", "used"),
    *("payable", "in_transit", "paid"),
)
TRANSFER_KINDS = (
    *("fund", "correction", "grant", "withdrawal", "expiry", "regrant", "capture", "release"),
    *("cancellation", "refund", "remit", "settle", "return"),
)
HOLD_STATES = ("open", "captured", "voided", "lapsed")


class SharePlan(Base):
    """A frozen set of funders' shares; every grant made under it points here and never moves."""

    __tablename__ = "share_plan"
    __table_args__ = {"schema": "ledger"}

    id: Mapped[UUID] = plain(primary_key=True)
    created_at: Mapped[datetime] = plain()


class Account(Base):
    """One pot of one asset.

    share_plan_id: for an entitlement or a backing, who bears it and in which shares. floor: how far
    below zero an envelope may go that says it may. backs_id: for a backing, the tickets it backs.
    unit_cents: for tickets, the face value of one; 0 for a benefit in kind. Triggers look once a
    statement that plans and tickets are there: granting opens hundreds of thousands at once.
    """

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint(f"kind IN {ACCOUNT_KINDS}", name="kind"),
        CheckConstraint("asset ~ '^[A-Z][A-Z0-9_]{2,30}$'", name="asset"),
        CheckConstraint(
            "guarded OR kind NOT IN ('entitlement', 'backing')", name="entitlements_are_guarded"
        ),
        CheckConstraint("floor = 0 OR (floor < 0 AND guarded AND kind = 'envelope')", name="floor"),
        CheckConstraint("(kind = 'backing') = (backs_id IS NOT NULL)", name="backing"),
        CheckConstraint(
            "(unit_cents IS NOT NULL) = (kind = 'entitlement' AND asset <> 'EUR')"
            " AND unit_cents >= 0",
            name="face_value",
        ),
        CheckConstraint(
            "asset = 'EUR' OR kind IN ('entitlement', 'issued', 'used')", name="euro_kinds"
        ),
        CheckConstraint("asset <> 'EUR' OR kind NOT IN ('issued', 'used')", name="ticket_kinds"),
        Index(
            "uq_account_backs_id",
            "backs_id",
            unique=True,
            postgresql_where=text("backs_id IS NOT NULL"),
        ),
        Index(
            "uq_account_asset_kind",
            "asset",
            "kind",
            unique=True,
            postgresql_where=text("kind IN ('issued', 'used')"),
        ),
        {"schema": "ledger"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    asset: Mapped[str] = plain()
    kind: Mapped[str] = plain()
    guarded: Mapped[bool] = plain()
    share_plan_id: Mapped[UUID | None] = plain()
    floor: Mapped[int] = plain()
    backs_id: Mapped[UUID | None] = plain()
    unit_cents: Mapped[int | None] = plain()
    created_at: Mapped[datetime] = plain()


class Share(Base):
    """One funder's weight in a share plan. Parts are rounded on the cumulated amount."""

    __tablename__ = "share"
    __table_args__ = (
        CheckConstraint("weight > 0", name="weight"),
        CheckConstraint("position >= 1", name="position"),
        UniqueConstraint("share_plan_id", "envelope_id"),
        {"schema": "ledger"},
    )

    share_plan_id: Mapped[UUID] = plain(ForeignKey("ledger.share_plan.id"), primary_key=True)
    position: Mapped[int] = plain(primary_key=True)
    envelope_id: Mapped[UUID] = plain(ForeignKey("ledger.account.id"))
    weight: Mapped[int] = plain()


class Balance(Base):
    """The running balance of a guarded account; the database refuses one below its floor.

    held: what holds set apart of it, those included that have lapsed and that nothing has freed yet.
    Unguarded accounts have no row: a purchase must not make all others of a shop wait.
    """

    __tablename__ = "balance"
    __table_args__ = (
        CheckConstraint("balance - held >= floor", name="never_below_floor"),
        CheckConstraint("held >= 0", name="held"),
        {"schema": "ledger"},
    )

    account_id: Mapped[UUID] = plain(primary_key=True)
    balance: Mapped[int] = plain()
    held: Mapped[int] = plain()
    floor: Mapped[int] = plain()


class Transfer(Base):
    """A movement from one account to another. Partitioned by RANGE(id), so the id alone is the key.

    corrects_id: what it takes back. hold_id: what it captures. counts_at, recorded_at: the two clocks;
    happened_at is its own date where a closed month made it count later. recorded_in: the database's
    transaction, by which sealing finds what is new.

    No foreign key to the accounts: its check would lock the row of a shop's payable for each of the
    shop's sales. `ledger.post_transfers` checks the accounts; `sesame ledger verify` checks again.
    """

    __tablename__ = "transfer"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("debit_account_id <> credit_account_id", name="two_accounts"),
        CheckConstraint(f"kind IN {TRANSFER_KINDS}", name="kind"),
        Index("ix_transfer_debit_account_id_counts_at", "debit_account_id", "counts_at"),
        Index("ix_transfer_credit_account_id_counts_at", "credit_account_id", "counts_at"),
        Index(
            "ix_transfer_recorded_in",
            "recorded_in",
            postgresql_using="brin",
            postgresql_with={"pages_per_range": "32"},
        ),
        {"schema": "ledger", "postgresql_partition_by": "RANGE (id)"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    debit_account_id: Mapped[UUID] = plain()
    credit_account_id: Mapped[UUID] = plain()
    amount: Mapped[int] = plain()
    kind: Mapped[str] = plain()
    correlation_id: Mapped[UUID] = plain()
    corrects_id: Mapped[UUID | None] = plain()
    hold_id: Mapped[UUID | None] = plain()
    happened_at: Mapped[datetime | None] = plain()
    counts_at: Mapped[datetime] = plain()
    recorded_at: Mapped[datetime] = plain()
    recorded_in: Mapped[int] = plain(server_default=text("(pg_current_xact_id()::text)::bigint"))


class Hold(Base):
    """An amount of an entitlement set apart for one payable, until captured, voided or lapsed.

    several: whether it may be captured more than once. Its row only ever says more was captured, and
    ends once.
    """

    __tablename__ = "hold"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("captured BETWEEN 0 AND amount", name="captured"),
        CheckConstraint(f"state IN {HOLD_STATES}", name="state"),
        CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ended"),
        CheckConstraint("lapses_at > recorded_at", name="lapses_at"),
        Index("ix_hold_account_id", "account_id", postgresql_where=text("state = 'open'")),
        {"schema": "ledger"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    account_id: Mapped[UUID] = plain(ForeignKey("ledger.account.id"))
    credit_account_id: Mapped[UUID] = plain()
    amount: Mapped[int] = plain()
    captured: Mapped[int] = plain()
    several: Mapped[bool] = plain()
    lapses_at: Mapped[datetime] = plain()
    correlation_id: Mapped[UUID] = plain()
    state: Mapped[str] = plain()
    recorded_at: Mapped[datetime] = plain()
    ended_at: Mapped[datetime | None] = plain()


class Corrected(Base):
    """How much of a transfer later ones have taken back: never more than it moved."""

    __tablename__ = "corrected"
    __table_args__ = (
        CheckConstraint("corrected > 0 AND corrected <= amount", name="within_the_transfer"),
        {"schema": "ledger"},
    )

    transfer_id: Mapped[UUID] = plain(primary_key=True)
    amount: Mapped[int] = plain()
    corrected: Mapped[int] = plain()


class Closing(Base):
    """A moment before which nothing may count any more."""

    __tablename__ = "closing"
    __table_args__ = (
        CheckConstraint("closed_before <= recorded_at", name="not_ahead"),
        {"schema": "ledger"},
    )

    closed_before: Mapped[datetime] = plain(primary_key=True)
    recorded_at: Mapped[datetime] = plain()
    closed_by: Mapped[UUID | None] = plain()


class BalanceCheckpoint(Base):
    """What an account held at a closing, kept where it had moved since the closing before."""

    __tablename__ = "balance_checkpoint"
    __table_args__ = ({"schema": "ledger"},)

    account_id: Mapped[UUID] = plain(ForeignKey("ledger.account.id"), primary_key=True)
    counts_before: Mapped[datetime] = plain(
        ForeignKey("ledger.closing.closed_before"), primary_key=True
    )
    balance: Mapped[int] = plain()


class Checkpointing(Base):
    """That the checkpoints of a closing are all there, and how many accounts they cover."""

    __tablename__ = "checkpointing"
    __table_args__ = (CheckConstraint("accounts >= 0", name="accounts"), {"schema": "ledger"})

    counts_before: Mapped[datetime] = plain(
        ForeignKey("ledger.closing.closed_before"), primary_key=True
    )
    accounts: Mapped[int] = plain()
    recorded_at: Mapped[datetime] = plain()


class ArchivedYear(Base):
    """A year whose transfers were detached from the book, and the export that was made before."""

    __tablename__ = "archived_year"
    __table_args__ = (CheckConstraint("transfers >= 0", name="transfers"), {"schema": "ledger"})

    year: Mapped[int] = plain(primary_key=True, autoincrement=False)
    transfers: Mapped[int] = plain()
    export_manifest_sha256: Mapped[bytes] = plain()
    archived_at: Mapped[datetime] = plain()


class Idempotency(Base):
    """What was asked under a key and what was answered, refusals too. A purchase's key never expires."""

    __tablename__ = "idempotency"
    __table_args__ = (
        CheckConstraint("length(key) BETWEEN 8 AND 128", name="key"),
        {"schema": "ledger"},
    )

    scope: Mapped[str] = plain(primary_key=True)
    key: Mapped[str] = plain(primary_key=True)
    content_hash: Mapped[bytes] = plain()
    outcome: Mapped[dict[str, Any]] = plain()
    recorded_at: Mapped[datetime] = plain()


class SealBundle(Base):
    """256 leaves of the sealed log: leaves number × 256 and on. The last one grows; a full one is final.

    hashes: of the leaves, 32 bytes each. The log keeps no row for each leaf.
    """

    __tablename__ = "seal_bundle"
    __table_args__ = (
        CheckConstraint("number >= 0", name="number"),
        CheckConstraint(
            "cardinality(transfer_ids) BETWEEN 1 AND 256"
            " AND octet_length(hashes) = 32 * cardinality(transfer_ids)",
            name="leaves",
        ),
        CheckConstraint("lowest_id <= highest_id", name="range"),
        Index(
            "ix_seal_bundle_ids",
            text("ledger.uuid_range(lowest_id, highest_id, '[]'::text)"),
            postgresql_using="gist",
        ),
        {"schema": "ledger"},
    )

    number: Mapped[int] = plain(primary_key=True, autoincrement=False)
    transfer_ids: Mapped[list[UUID]] = plain(ARRAY(Uuid))
    hashes: Mapped[bytes] = plain()
    lowest_id: Mapped[UUID] = plain()
    highest_id: Mapped[UUID] = plain()


class SealTile(Base):
    """256 nodes of the log's tree, from the roots of full bundles (level 1) upwards."""

    __tablename__ = "seal_tile"
    __table_args__ = (
        CheckConstraint("level BETWEEN 1 AND 7 AND number >= 0", name="place"),
        CheckConstraint(
            "octet_length(hashes) BETWEEN 32 AND 8192 AND octet_length(hashes) % 32 = 0",
            name="hashes",
        ),
        {"schema": "ledger"},
    )

    level: Mapped[int] = plain(primary_key=True, autoincrement=False)
    number: Mapped[int] = plain(primary_key=True, autoincrement=False)
    hashes: Mapped[bytes] = plain()


class SealRound(Base):
    """One round of sealing: how many leaves there are since, what was visible, and the root.

    system_identifier: of the cluster that the snapshot is of. started_over: whether the round looked
    at all transfers, as the numbers of transactions were another cluster's.
    """

    __tablename__ = "seal_round"
    __table_args__ = (
        CheckConstraint("size > 0", name="size"),
        CheckConstraint("octet_length(root) = 32", name="root"),
        {"schema": "ledger"},
    )

    size: Mapped[int] = plain(primary_key=True, autoincrement=False)
    root: Mapped[bytes] = plain()
    snapshot: Mapped[str] = plain()
    system_identifier: Mapped[str] = plain()
    started_over: Mapped[bool] = plain()
    recorded_at: Mapped[datetime] = plain()


class Checkpoint(Base):
    """A signed checkpoint of the log, with its RFC 3161 time stamp where one was to be had."""

    __tablename__ = "checkpoint"
    __table_args__ = ({"schema": "ledger"},)

    size: Mapped[int] = plain(ForeignKey("ledger.seal_round.size"), primary_key=True)
    note: Mapped[str] = plain()
    time_stamp: Mapped[bytes | None] = plain()
    recorded_at: Mapped[datetime] = plain()
