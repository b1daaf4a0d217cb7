"""Who sells, where, and who is paid. A merchant may be a sole trader, and so a person: what would
name or find them is declared as personal, their opaque ids are not.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Double, ForeignKey, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped

from sesame.platform.database import Base, personal, plain

# Commercial books are kept ten years (Code de commerce, L123-22).
_PARTNER: dict[str, Any] = {"purpose": "knowing who sells", "retention": "accounting"}
_PAYING: dict[str, Any] = {"purpose": "paying partners", "retention": "accounting"}


class Merchant(Base):
    """A legal person or a sole trader, by its SIREN. legal_form: INSEE catégorie juridique. naf:
    the APE code of NAF rév. 2.
    """

    __tablename__ = "merchant"
    __table_args__ = (
        CheckConstraint("siren ~ '^[0-9]{9}$'", name="siren"),
        CheckConstraint("btrim(name) = name AND name <> ''", name="name"),
        CheckConstraint("state IN ('open', 'closed')", name="state"),
        {"schema": "merchants"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    siren: Mapped[str] = personal(unique=True, **_PARTNER)
    name: Mapped[str] = personal(**_PARTNER)
    legal_form: Mapped[str | None] = plain()
    naf: Mapped[str | None] = plain()
    email: Mapped[str | None] = personal(**_PARTNER)
    phone: Mapped[str | None] = personal(**_PARTNER)
    state: Mapped[str] = plain()
    created_at: Mapped[datetime] = plain()


class Payee(Base):
    """Who is owed for sales: a holder's name and account, with the structured address that a
    payment order carries (ISO 20022 PostalAddress24; SEPA asks for its town and country).
    """

    __tablename__ = "payee"
    __table_args__ = (
        CheckConstraint("iban ~ '^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$'", name="iban"),
        CheckConstraint("bic ~ '^[A-Z0-9]{8}([A-Z0-9]{3})?$'", name="bic"),
        CheckConstraint("length(holder) BETWEEN 1 AND 70", name="holder"),
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country"),
        {"schema": "merchants"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    merchant_id: Mapped[UUID] = plain(ForeignKey("merchants.merchant.id"), index=True)
    holder: Mapped[str] = personal(**_PAYING)
    iban: Mapped[str] = personal(**_PAYING)
    bic: Mapped[str | None] = personal(**_PAYING)
    building_number: Mapped[str | None] = personal(**_PAYING)
    street: Mapped[str] = personal(**_PAYING)
    postal_code: Mapped[str] = personal(**_PAYING)
    town: Mapped[str] = personal(**_PAYING)
    country: Mapped[str] = plain()
    created_at: Mapped[datetime] = plain()


class Site(Base):
    """A place where a merchant sells, by its SIRET. categories: what it sells, for the map; what
    cards pay there is in the convention. payee_id: who is owed for the sales of this place.
    """

    __tablename__ = "site"
    __table_args__ = (
        CheckConstraint("siret ~ '^[0-9]{14}$'", name="siret"),
        CheckConstraint("btrim(name) = name AND name <> ''", name="name"),
        CheckConstraint("latitude BETWEEN -90 AND 90", name="latitude"),
        CheckConstraint("longitude BETWEEN -180 AND 180", name="longitude"),
        {"schema": "merchants"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    merchant_id: Mapped[UUID] = plain(ForeignKey("merchants.merchant.id"), index=True)
    payee_id: Mapped[UUID] = plain(ForeignKey("merchants.payee.id"), index=True)
    siret: Mapped[str] = personal(unique=True, **_PARTNER)
    name: Mapped[str] = personal(**_PARTNER)
    address_line: Mapped[str] = personal(**_PARTNER)
    postal_code: Mapped[str] = personal(**_PARTNER)
    town: Mapped[str] = personal(**_PARTNER)
    insee: Mapped[str] = personal(**_PARTNER)
    latitude: Mapped[float | None] = personal(Double, **_PARTNER)
    longitude: Mapped[float | None] = personal(Double, **_PARTNER)
    categories: Mapped[list[str]] = plain(ARRAY(Text))
    created_at: Mapped[datetime] = plain()


class PayableAccount(Base):
    """The ledger account that holds what one paying envelope owes to one payee."""

    __tablename__ = "payable_account"
    __table_args__ = ({"schema": "merchants"},)

    payee_id: Mapped[UUID] = plain(ForeignKey("merchants.payee.id"), primary_key=True)
    paying_envelope_id: Mapped[UUID] = plain(primary_key=True)
    account_id: Mapped[UUID] = plain(ForeignKey("ledger.account.id"), unique=True)
    opened_at: Mapped[datetime] = plain()
