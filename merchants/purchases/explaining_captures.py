"""What a purchase's correlation in the ledger stands for, for staff: number, shop, time. Never who bought."""

from collections.abc import Sequence
from uuid import UUID

from flask_babel import format_datetime
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from merchants.directory.listing import site_names
from merchants.purchases.model import Decision
from sesame.platform.scheme import current_scheme
from sesame.platform.web.hooks import Explanation


def explain_captures(session: Session, correlations: Sequence[UUID]) -> dict[UUID, Explanation]:
    """Return the authorisation number, the shop and the time of each purchase by its id."""
    rows = session.execute(
        select(Decision.id, Decision.at, Decision.authorisation, Decision.site_id).where(
            Decision.id.in_(correlations)
        )
    ).all()
    sites = site_names(session, {row.site_id for row in rows})
    zone = current_scheme(session).zone
    return {
        row.id: Explanation(
            title=_("Achat %(authorisation)s", authorisation=row.authorisation),
            detail=f"{sites[row.site_id]} · "
            + format_datetime(row.at.astimezone(zone), "d MMMM y, HH:mm", rebase=False),
        )
        for row in rows
    }
