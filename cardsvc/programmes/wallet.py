"""What a beneficiary has: each entitlement in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from cardsvc.programmes.model import Entitlement, ProgrammeVersion
from cardsvc.programmes.vocabulary import CATEGORIES
from ledger.statements import spendable
from sesame.platform.clock import day_in
from sesame.platform.scheme import current_scheme

SOON_DAYS = 30


@dataclass(frozen=True)
class EntitlementView:
    """One entitlement. Days are calendar days of the scheme, the last one included.

    buys: categories in words. begins_in_days: above 0 before the season. ends_in_days: 0 on the last
    day. expires_soon: something is left, and its last day is near.
    """

    id: UUID
    name: str
    categories: tuple[str, ...]
    buys: tuple[str, ...]
    left_cents: int
    granted_cents: int
    first_day: date
    last_day: date
    valid_until: datetime
    begins_in_days: int
    ends_in_days: int
    expires_soon: bool


def entitlements_for_wallet(
    session: Session, beneficiary_id: UUID, at: datetime, locale: str
) -> list[EntitlementView]:
    """Return the entitlements that aren't over at `at`: those with something left first, then in the
    order in which they are spent. locale: `fr` or `en`, for the names that the programme gives.
    """
    zone = current_scheme(session).zone
    today = day_in(zone, at)
    query = (
        select(Entitlement, ProgrammeVersion.document)
        .join(ProgrammeVersion, ProgrammeVersion.id == Entitlement.programme_version_id)
        .where(Entitlement.beneficiary_id == beneficiary_id, Entitlement.valid_until > at)
        .order_by(Entitlement.priority, Entitlement.id)
    )
    rows = session.execute(query).all()
    accounts = [entitlement.account_id for entitlement, _document in rows]
    left = spendable(session, accounts, at=at)
    views = []
    for entitlement, document in rows:
        line = _line(document, entitlement.line)
        first = day_in(zone, entitlement.valid_from)
        last = date.fromisoformat(document["season"]["until"])
        remaining = left[entitlement.account_id]
        categories = tuple(line["categories"])
        views.append(
            EntitlementView(
                id=entitlement.id,
                name=line["name"]["en" if locale == "en" else "fr"],
                categories=categories,
                buys=tuple(str(CATEGORIES[each]) for each in categories),
                left_cents=remaining,
                granted_cents=entitlement.granted_cents,
                first_day=first,
                last_day=last,
                valid_until=entitlement.valid_until,
                begins_in_days=max((first - today).days, 0),
                ends_in_days=(last - today).days,
                expires_soon=remaining > 0 and (last - today).days <= SOON_DAYS,
            )
        )
    return sorted(views, key=lambda view: view.left_cents == 0)


def _line(document: Mapping[str, Any], line_id: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(each for each in document["lines"] if each["id"] == line_id)
    return found
