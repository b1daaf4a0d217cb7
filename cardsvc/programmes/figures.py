"""What envelopes gave and what was spent of it, for the console."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from cardsvc.programmes.compiling import compile_document
from cardsvc.programmes.envelopes import envelopes_of, list_funders
from cardsvc.programmes.model import GrantShortage, ProgrammeVersion
from cardsvc.programmes.rules import Programme
from cardsvc.programmes.values import percent_text
from ledger.statements import balances
from sesame.platform.clock import day_in
from sesame.platform.scheme import current_scheme

# One row for each programme and season: what was granted, and what of it is still on the cards.
_SPENDING = text(
    """
    WITH granted AS (
        SELECT programme_id, season, sum(granted_cents)::bigint AS granted_cents,
               count(DISTINCT beneficiary_id) AS people, array_agg(account_id) AS accounts
          FROM cardsvc.entitlement GROUP BY programme_id, season
    )
    SELECT g.programme_id, g.season, g.granted_cents, g.people,
           ledger.total_of(g.accounts) AS left_cents
      FROM granted g
    """
)


@dataclass(frozen=True)
class EnvelopeView:
    """A programme's season, all its funders together. funders: (name, share in %).

    left_cents: granted and not spent. unallocated_cents: in the envelopes, not granted.
    elapsed_percent: how much of the season has passed; spent_percent: of what was granted. waiting:
    how many people have nothing yet because an envelope is short.
    """

    slug: str
    name: str
    season: str
    funders: tuple[tuple[str, str], ...]
    people: int
    waiting: int
    granted_cents: int
    spent_cents: int
    left_cents: int
    unallocated_cents: int
    spent_percent: int
    elapsed_percent: int


def envelope_views(session: Session, at: datetime, locale: str = "fr") -> list[EnvelopeView]:
    """Return the envelopes of every published season that isn't over, by programme."""
    today = day_in(current_scheme(session).zone, at)
    names = {funder.code: funder.name for funder in list_funders(session)}
    spending = {
        (programme_id, season): (granted, people, left)
        for programme_id, season, granted, people, left in session.execute(_SPENDING)
    }
    short = {
        each.programme_version_id: each.people for each in session.scalars(select(GrantShortage))
    }
    views = []
    for version in _latest_versions(session):
        programme = compile_document(version.document, version.source)
        if programme.season.grace < today:
            continue
        figures = spending.get((version.programme_id, version.season), (0, 0, 0))
        waiting = short.get(version.id, 0) if programme.season.last >= today else 0
        views.append(_view(session, programme, names, figures, waiting, today, locale))
    return sorted(views, key=lambda view: (view.name, view.season))


def _latest_versions(session: Session) -> list[ProgrammeVersion]:
    query = (
        select(ProgrammeVersion)
        .distinct(ProgrammeVersion.programme_id, ProgrammeVersion.season)
        .order_by(
            ProgrammeVersion.programme_id,
            ProgrammeVersion.season,
            ProgrammeVersion.number.desc(),
        )
    )
    return list(session.scalars(query))


def _view(
    session: Session,
    programme: Programme,
    names: Mapping[str, str],
    figures: tuple[int, int, int],
    waiting: int,
    today: date,
    locale: str,
) -> EnvelopeView:
    granted, people, left = figures
    accounts: list[UUID] = [
        envelope.account_id for envelope in envelopes_of(session, programme).values()
    ]
    return EnvelopeView(
        slug=programme.slug,
        name=programme.names["en" if locale == "en" else "fr"],
        season=programme.season.name,
        funders=tuple(
            (names[each.funder], percent_text(each.weight)) for each in programme.funders
        ),
        people=people,
        waiting=waiting,
        granted_cents=granted,
        spent_cents=granted - left,
        left_cents=left,
        unallocated_cents=sum(balances(session, accounts).values()),
        spent_percent=_percent(granted - left, granted),
        elapsed_percent=_percent(
            min(max((today - programme.season.first).days, 0), _days(programme)), _days(programme)
        ),
    )


def _days(programme: Programme) -> int:
    return (programme.season.last - programme.season.first).days + 1


def _percent(part: int, whole: int) -> int:
    return 100 * part // whole if whole else 0
