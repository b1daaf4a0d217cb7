"""The spending plans of published versions, remembered by the process."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from cardsvc.programmes.model import ProgrammeVersion
from cardsvc.programmes.reasons import ProgrammeUnknown
from cardsvc.programmes.spending_plan import SpendingPlan, read_plan

_remembered: dict[UUID, SpendingPlan] = {}
remembered_plans: Mapping[UUID, SpendingPlan] = MappingProxyType(_remembered)
"""The plans that this process has met. A version never changes, so none is ever forgotten."""


def plan_for(session: Session, version_id: UUID) -> SpendingPlan:
    """Return the spending plan of a version. Raises `ProgrammeUnknown`."""
    return plans_for(session, [version_id])[version_id]


def plans_for(session: Session, version_ids: Collection[UUID]) -> Mapping[UUID, SpendingPlan]:
    """Return a mapping that holds the plans of these versions; at most one query, usually none.

    Raises `ProgrammeUnknown` for a version that doesn't exist.
    """
    missing = [each for each in version_ids if each not in _remembered]
    if missing:
        query = select(ProgrammeVersion.id, ProgrammeVersion.plan)
        for version_id, stored in session.execute(query.where(ProgrammeVersion.id.in_(missing))):
            _remembered[version_id] = read_plan(stored)
        if any(each not in _remembered for each in missing):
            raise ProgrammeUnknown()
    return remembered_plans
