"""The facts of one person on a day, for the one-person side of eligibility."""

from datetime import date
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from cardsvc.programmes.eligibility import Facts
from cardsvc.programmes.reasons import BeneficiaryUnknown

_FACTS = text("SELECT name, value FROM cardsvc.facts_on(:on) WHERE beneficiary_id = :beneficiary")


def facts_of(session: Session, beneficiary_id: UUID, on: date) -> Facts:
    """Return the facts that hold for one person on a day. Raises `BeneficiaryUnknown`."""
    facts: dict[str, set[str]] = {}
    for name, value in session.execute(_FACTS, {"on": on, "beneficiary": beneficiary_id}):
        facts.setdefault(name, set()).add(value)
    if not facts:
        raise BeneficiaryUnknown()
    return facts
