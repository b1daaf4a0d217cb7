"""The tables of programmes: who funds, what was published, who was granted what, cap counters."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from sesame.platform.database import Base, personal, plain

REGIMES = ("mandate", "regie", "mandatement")
_RIGHTS: dict[str, Any] = {"purpose": "deciding on rights", "retention": "rights"}


class Funder(Base):
    """A public body that sets money aside; as paying body, the debtor of the bank files."""

    __tablename__ = "funder"
    __table_args__ = (
        CheckConstraint("code ~ '^[a-z][a-z0-9-]{1,39}$'", name="code"),
        CheckConstraint("siren ~ '^[0-9]{9}$'", name="siren"),
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country"),
        {"schema": "cardsvc"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    code: Mapped[str] = plain(unique=True)
    name: Mapped[str] = plain()
    siren: Mapped[str] = plain()
    iban: Mapped[str] = plain()
    bic: Mapped[str] = plain()
    street: Mapped[str | None] = plain()
    postal_code: Mapped[str | None] = plain()
    town: Mapped[str | None] = plain()
    country: Mapped[str] = plain(default="FR")
    funding_account_id: Mapped[UUID] = plain(ForeignKey("ledger.account.id"), unique=True)
    created_at: Mapped[datetime] = plain()


class ProgrammeRow(Base):
    """A programme by its slug. Its row is locked by whoever publishes it or grants under it."""

    __tablename__ = "programme"
    __table_args__ = (
        CheckConstraint("slug ~ '^[a-z0-9][a-z0-9-]{1,59}$'", name="slug"),
        {"schema": "cardsvc"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    slug: Mapped[str] = plain(unique=True)
    created_at: Mapped[datetime] = plain()


class Envelope(Base):
    """A funder's money for one programme: an account of the ledger.

    regime: how it leaves, set by the first publication. paying: whether partners are paid by it.
    """

    __tablename__ = "envelope"
    __table_args__ = (
        UniqueConstraint("funder_id", "programme_id"),
        CheckConstraint(f"regime IN {REGIMES}", name="regime"),
        CheckConstraint("regime IS NOT NULL OR NOT paying", name="paying_has_regime"),
        {"schema": "cardsvc"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    funder_id: Mapped[UUID] = plain(ForeignKey("cardsvc.funder.id"))
    programme_id: Mapped[UUID] = plain(ForeignKey("cardsvc.programme.id"))
    account_id: Mapped[UUID] = plain(ForeignKey("ledger.account.id"), unique=True)
    regime: Mapped[str | None] = plain()
    paying: Mapped[bool] = plain(default=False)
    created_at: Mapped[datetime] = plain()


class ProgrammeVersion(Base):
    """A programme's rules as once written: the source, what it says, the spending plan, the shares.

    Only ever appended. `content_hash` is of the document, so comments and layout don't count.
    """

    __tablename__ = "programme_version"
    __table_args__ = (
        UniqueConstraint("programme_id", "number"),
        CheckConstraint("number >= 1", name="number"),
        {"schema": "cardsvc"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    programme_id: Mapped[UUID] = plain(ForeignKey("cardsvc.programme.id"))
    number: Mapped[int] = plain()
    season: Mapped[str] = plain()
    document: Mapped[dict[str, Any]] = plain()
    source: Mapped[str] = plain()
    content_hash: Mapped[bytes] = plain()
    plan: Mapped[dict[str, Any]] = plain()
    share_plan_id: Mapped[UUID] = plain(ForeignKey("ledger.share_plan.id"))
    paying_envelope_id: Mapped[UUID] = plain(ForeignKey("cardsvc.envelope.id"))
    created_at: Mapped[datetime] = plain()


class ProgrammePublication(Base):
    """The moment a version became the rule, and the identity who said so (none: the server)."""

    __tablename__ = "programme_publication"
    __table_args__ = ({"schema": "cardsvc"},)

    programme_version_id: Mapped[UUID] = plain(
        ForeignKey("cardsvc.programme_version.id"), primary_key=True
    )
    published_at: Mapped[datetime] = plain()
    published_by: Mapped[UUID | None] = personal(purpose="accountability", retention="rights")


class GrantBatch(Base):
    """One act of granting one line to many: its correlation in the ledger is its id."""

    __tablename__ = "grant_batch"
    __table_args__ = (
        CheckConstraint("people > 0", name="people"),
        CheckConstraint("total_cents > 0", name="total_cents"),
        {"schema": "cardsvc"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    programme_version_id: Mapped[UUID] = plain(ForeignKey("cardsvc.programme_version.id"))
    line: Mapped[str] = plain()
    people: Mapped[int] = plain()
    total_cents: Mapped[int] = plain()
    granted_at: Mapped[datetime] = plain()


class GrantShortage(Base):
    """How many people a version couldn't grant to because an envelope was short; gone once it could."""

    __tablename__ = "grant_shortage"
    __table_args__ = (CheckConstraint("people > 0", name="people"), {"schema": "cardsvc"})

    programme_version_id: Mapped[UUID] = plain(
        ForeignKey("cardsvc.programme_version.id"), primary_key=True
    )
    people: Mapped[int] = plain()
    noticed_at: Mapped[datetime] = plain()


class Entitlement(Base):
    """What one beneficiary may spend under one line of a programme, in one season.

    priority: the smaller is spent first. Spent within [valid_from, valid_until). The version is the
    one that granted it; a later one doesn't change it.
    """

    __tablename__ = "entitlement"
    __table_args__ = (
        UniqueConstraint("beneficiary_id", "programme_id", "season", "line"),
        CheckConstraint("granted_cents > 0", name="granted_cents"),
        CheckConstraint("valid_until > valid_from", name="valid"),
        Index("ix_entitlement_programme_id_season", "programme_id", "season"),
        {"schema": "cardsvc"},
    )

    id: Mapped[UUID] = personal(primary_key=True, **_RIGHTS)
    beneficiary_id: Mapped[UUID] = personal(ForeignKey("cardsvc.beneficiary.id"), **_RIGHTS)
    programme_id: Mapped[UUID] = plain(ForeignKey("cardsvc.programme.id"))
    programme_version_id: Mapped[UUID] = plain(ForeignKey("cardsvc.programme_version.id"))
    grant_batch_id: Mapped[UUID] = plain(ForeignKey("cardsvc.grant_batch.id"))
    season: Mapped[str] = plain()
    line: Mapped[str] = plain()
    account_id: Mapped[UUID] = personal(ForeignKey("ledger.account.id"), unique=True, **_RIGHTS)
    paying_envelope_id: Mapped[UUID] = plain(ForeignKey("cardsvc.envelope.id"))
    priority: Mapped[int] = plain()
    valid_from: Mapped[datetime] = plain()
    valid_until: Mapped[datetime] = plain()
    granted_cents: Mapped[int] = plain()
    created_at: Mapped[datetime] = plain()


class CapUsage(Base):
    """How much of a cap a beneficiary has used. period: a day (`2026-11-24`) or `season`."""

    __tablename__ = "cap_usage"
    __table_args__ = (
        CheckConstraint("used_cents >= 0", name="used_cents"),
        {"schema": "cardsvc"},
    )

    beneficiary_id: Mapped[UUID] = personal(
        ForeignKey("cardsvc.beneficiary.id"), primary_key=True, **_RIGHTS
    )
    period: Mapped[str] = personal(primary_key=True, **_RIGHTS)
    cap_key: Mapped[str] = personal(primary_key=True, **_RIGHTS)
    used_cents: Mapped[int] = personal(**_RIGHTS)
