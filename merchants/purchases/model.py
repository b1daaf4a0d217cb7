"""The table of decisions: every authorisation that was asked for, and what was answered."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped

from sesame.platform.database import Base, personal, plain

OUTCOMES = ("approved", "partial", "refused")
_SALE: dict[str, Any] = {"purpose": "explaining a purchase", "retention": "accounting"}


class Decision(Base):
    """One kept answer, refusals too. Explanations read it; they never compute it again.

    id: the purchase's id (UUIDv7: its time is the decision's, so ranges of time are ranges of ids).
    lines: the basket with what each line got, why not more, and from which entitlement. figures:
    what was left and counted when it was decided. token_id and proof_nonce: what was shown at the
    till; a proof pays once. No foreign keys to rows that other purchases share: the check would make
    sales of one shop wait for each other.
    """

    __tablename__ = "decision"
    __table_args__ = (
        CheckConstraint(f"outcome IN {OUTCOMES}", name="outcome"),
        CheckConstraint("amount_cents > 0", name="amount"),
        CheckConstraint("approved_cents BETWEEN 0 AND amount_cents", name="approved"),
        CheckConstraint("(outcome = 'refused') = (approved_cents = 0)", name="refused_is_nothing"),
        CheckConstraint("(outcome = 'approved') = (approved_cents = amount_cents)", name="whole"),
        Index(
            "uq_decision_proof",
            "token_id",
            "proof_nonce",
            unique=True,
            postgresql_where="outcome <> 'refused'",
        ),
        Index("ix_decision_beneficiary_id_id", "beneficiary_id", "id"),
        Index("ix_decision_merchant_id_id", "merchant_id", "id"),
        {"schema": "merchants"},
    )

    id: Mapped[UUID] = plain(primary_key=True)
    at: Mapped[datetime] = plain()
    terminal_id: Mapped[UUID] = plain()
    site_id: Mapped[UUID] = plain()
    merchant_id: Mapped[UUID] = plain()
    payee_id: Mapped[UUID] = plain()
    convention_version_id: Mapped[UUID | None] = plain()
    beneficiary_id: Mapped[UUID | None] = personal(**_SALE)
    card_id: Mapped[UUID | None] = personal(**_SALE)
    token_id: Mapped[bytes | None] = personal(**_SALE)
    proof_nonce: Mapped[bytes | None] = plain()
    key: Mapped[str] = plain()
    authorisation: Mapped[str] = plain()
    outcome: Mapped[str] = plain()
    amount_cents: Mapped[int] = plain()
    approved_cents: Mapped[int] = plain()
    accept_partial: Mapped[bool] = plain()
    reasons: Mapped[list[str]] = plain(ARRAY(Text))
    lines: Mapped[list[Any]] = personal(**_SALE)
    figures: Mapped[dict[str, Any]] = personal(**_SALE)
    programme_version_ids: Mapped[list[UUID]] = plain(ARRAY(Uuid))
    transfer_ids: Mapped[list[UUID]] = plain(ARRAY(Uuid))
