"""What the ledger's accounts are, for staff: whose envelope, which programme's line. Never who holds it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from cardsvc.programmes.model import (
    Entitlement,
    Envelope,
    Funder,
    ProgrammeRow,
    ProgrammeVersion,
)
from sesame.platform.web.hooks import Explanation


def explain_envelopes(session: Session, accounts: Sequence[UUID]) -> dict[UUID, Explanation]:
    """Return each envelope's funder and programme by its account."""
    rows = session.execute(
        select(Envelope.account_id, Envelope.programme_id, Envelope.paying, Funder.name)
        .join(Funder, Funder.id == Envelope.funder_id)
        .where(Envelope.account_id.in_(accounts))
    ).all()
    programmes = _programmes(session, {row.programme_id for row in rows})
    return {
        row.account_id: Explanation(
            title=f"{row.name} · {programmes[row.programme_id].name}",
            detail=_("paie les partenaires") if row.paying else "",
            until=programmes[row.programme_id].last_day,
        )
        for row in rows
    }


def explain_funding(session: Session, accounts: Sequence[UUID]) -> dict[UUID, Explanation]:
    """Return each funder's name by the account that its money comes from."""
    rows = session.execute(
        select(Funder.funding_account_id, Funder.name).where(
            Funder.funding_account_id.in_(accounts)
        )
    )
    return {account: Explanation(title=name) for account, name in rows}


def explain_entitlements(session: Session, accounts: Sequence[UUID]) -> dict[UUID, Explanation]:
    """Return the programme, line and season of each entitlement by its account."""
    rows = session.execute(
        select(
            Entitlement.account_id,
            Entitlement.line,
            Entitlement.season,
            ProgrammeVersion.document,
        )
        .join(ProgrammeVersion, ProgrammeVersion.id == Entitlement.programme_version_id)
        .where(Entitlement.account_id.in_(accounts))
    )
    return {
        account: Explanation(
            title=_line_name(document, line), detail=f"{_name(document)} · {season}"
        )
        for account, line, season, document in rows
    }


@dataclass(frozen=True)
class _Programme:
    """What a programme calls itself, and the last day of its latest published season."""

    name: str
    last_day: date | None


def _programmes(session: Session, programme_ids: set[UUID]) -> dict[UUID, _Programme]:
    """Return each programme by its latest version, else by its slug."""
    slugs = session.execute(
        select(ProgrammeRow.id, ProgrammeRow.slug).where(ProgrammeRow.id.in_(programme_ids))
    )
    found = {programme_id: _Programme(slug, None) for programme_id, slug in slugs}
    latest = (
        select(ProgrammeVersion.programme_id, ProgrammeVersion.document)
        .distinct(ProgrammeVersion.programme_id)
        .where(ProgrammeVersion.programme_id.in_(programme_ids))
        .order_by(ProgrammeVersion.programme_id, ProgrammeVersion.created_at.desc())
    )
    for programme_id, document in session.execute(latest):
        last_day = date.fromisoformat(document["season"]["until"])
        found[programme_id] = _Programme(_name(document), last_day)
    return found


def _name(document: Mapping[str, Any]) -> str:
    return _in_language(document["name"])


def _line_name(document: Mapping[str, Any], line_id: str) -> str:
    return next(_in_language(line["name"]) for line in document["lines"] if line["id"] == line_id)


def _in_language(names: Mapping[str, str]) -> str:
    return names["en" if str(get_locale()) == "en" else "fr"]
