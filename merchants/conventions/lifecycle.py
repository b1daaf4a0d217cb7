"""Making, amending and changing the state of a convention.

The convention's row is locked first, so that two changes at once follow one another; which state
may follow which is in the table `convention_allowed`; the database's trigger has the last word.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from merchants.conventions.model import (
    Convention,
    ConventionAllowed,
    ConventionTransition,
    ConventionVersion,
)
from merchants.conventions.parameters import checked_parameters
from merchants.conventions.reasons import (
    ConventionChangeTooEarly,
    ConventionChangeUnexplained,
    ConventionExists,
    ConventionMissing,
    ConventionTransitionRefused,
)
from merchants.directory.model import Merchant
from merchants.directory.reasons import MerchantUnknown
from sesame.platform.ids import uuid7


@dataclass(frozen=True)
class CurrentConvention:
    """A convention at a moment: its state, and the version in force."""

    version_id: UUID
    number: int
    state: str
    parameters: dict[str, Any]


def current_convention(
    session: Session, merchant_id: UUID, at: datetime
) -> CurrentConvention | None:
    """Return the merchant's last convention as it stands at `at`; None without one in force."""
    found = session.scalar(
        text("SELECT merchants.convention_state(:merchant, :at)"),
        {"merchant": merchant_id, "at": at},
    )
    if found is None:
        return None
    return CurrentConvention(
        UUID(found["version_id"]), found["number"], found["state"], found["parameters"]
    )


def has_running_convention(session: Session, merchant_id: UUID) -> bool:
    """Say whether the merchant has a convention that isn't terminated (a draft is running)."""
    last = _last_convention(session, merchant_id)
    return last is not None and _last_transition(session, last).to_state != "terminated"


def draft_convention(
    session: Session,
    *,
    merchant_id: UUID,
    parameters: dict[str, Any],
    valid_from: datetime,
    valid_until: datetime | None,
    at: datetime,
) -> UUID:
    """Make a convention in the state draft with its first version; return its id.

    Raises `ConventionExists` while the merchant's last one isn't terminated, `MerchantUnknown`,
    `ConventionParametersInvalid`.
    """
    checked = checked_parameters(parameters)
    merchant = select(Merchant.id).where(Merchant.id == merchant_id)
    if session.scalar(merchant.with_for_update(key_share=True)) is None:
        raise MerchantUnknown()
    if has_running_convention(session, merchant_id):
        raise ConventionExists()
    convention = Convention(id=uuid7(at), merchant_id=merchant_id, created_at=at)
    session.add(convention)
    session.flush()
    _append_version(
        session, convention.id, 1, checked, valid_from=valid_from, valid_until=valid_until, at=at
    )
    _append_transition(
        session, convention.id, 1, from_state=None, to_state="draft", reason="", at=at
    )
    return convention.id


def amend_convention(
    session: Session,
    convention_id: UUID,
    *,
    parameters: dict[str, Any],
    valid_from: datetime,
    valid_until: datetime | None,
    at: datetime,
) -> UUID:
    """Add a version with new terms; return its id. Earlier versions stay as they were.

    Raises `ConventionMissing`, `ConventionParametersInvalid`.
    """
    checked = checked_parameters(parameters)
    _lock(session, convention_id)
    last = session.scalar(
        select(func.max(ConventionVersion.number)).where(
            ConventionVersion.convention_id == convention_id
        )
    )
    return _append_version(
        session,
        convention_id,
        (last or 0) + 1,
        checked,
        valid_from=valid_from,
        valid_until=valid_until,
        at=at,
    )


def change_state(
    session: Session, merchant_id: UUID, to_state: str, *, reason: str, at: datetime
) -> None:
    """Take the merchant's last convention to `to_state`.

    reason: in words, kept. Raises `ConventionMissing`, `ConventionTransitionRefused`,
    `ConventionChangeUnexplained`, `ConventionChangeTooEarly`.
    """
    if not reason.strip():
        raise ConventionChangeUnexplained()
    convention_id = _last_convention(session, merchant_id)
    if convention_id is None:
        raise ConventionMissing()
    _lock(session, convention_id)
    last = _last_transition(session, convention_id)
    if session.get(ConventionAllowed, (last.to_state, to_state)) is None:
        raise ConventionTransitionRefused(from_state=last.to_state, to_state=to_state)
    if at < last.at:
        raise ConventionChangeTooEarly()
    _append_transition(
        session,
        convention_id,
        last.number + 1,
        from_state=last.to_state,
        to_state=to_state,
        reason=reason.strip(),
        at=at,
    )


def _last_convention(session: Session, merchant_id: UUID) -> UUID | None:
    return session.scalar(
        select(Convention.id)
        .where(Convention.merchant_id == merchant_id)
        .order_by(Convention.created_at.desc(), Convention.id.desc())
        .limit(1)
    )


def _lock(session: Session, convention_id: UUID) -> None:
    locked = select(Convention.id).where(Convention.id == convention_id)
    if session.scalar(locked.with_for_update(key_share=True)) is None:
        raise ConventionMissing()


def _last_transition(session: Session, convention_id: UUID) -> ConventionTransition:
    return session.scalars(
        select(ConventionTransition)
        .where(ConventionTransition.convention_id == convention_id)
        .order_by(ConventionTransition.number.desc())
        .limit(1)
    ).one()


def _append_version(
    session: Session,
    convention_id: UUID,
    number: int,
    parameters: dict[str, Any],
    *,
    valid_from: datetime,
    valid_until: datetime | None,
    at: datetime,
) -> UUID:
    row = ConventionVersion(
        id=uuid7(at),
        convention_id=convention_id,
        number=number,
        parameters=parameters,
        valid_from=valid_from,
        valid_until=valid_until,
        created_at=at,
    )
    session.add(row)
    session.flush()
    return row.id


def _append_transition(
    session: Session,
    convention_id: UUID,
    number: int,
    *,
    from_state: str | None,
    to_state: str,
    reason: str,
    at: datetime,
) -> None:
    session.add(
        ConventionTransition(
            convention_id=convention_id,
            number=number,
            from_state=from_state,
            to_state=to_state,
            reason=reason,
            at=at,
        )
    )
    session.flush()
