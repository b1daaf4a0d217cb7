"""Reading the directory: which merchants there are, and their sites."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from merchants.directory.model import Merchant, Site


@dataclass(frozen=True)
class ListedSite:
    """A place, as a list shows it."""

    id: UUID
    siret: str
    name: str
    town: str
    categories: tuple[str, ...]


@dataclass(frozen=True)
class ListedMerchant:
    """A merchant with its places, in order of SIRET."""

    id: UUID
    siren: str
    name: str
    legal_form: str | None
    state: str
    sites: tuple[ListedSite, ...]


def count_merchants(session: Session) -> int:
    """Return how many merchants there are."""
    return session.scalar(select(func.count()).select_from(Merchant)) or 0


def list_merchants(
    session: Session, *, limit: int | None = None, offset: int = 0
) -> list[ListedMerchant]:
    """Return merchants by name with their sites: two statements, however many they are."""
    page: Sequence[Merchant] = session.scalars(
        select(Merchant).order_by(Merchant.name, Merchant.siren).limit(limit).offset(offset)
    ).all()
    sites: dict[UUID, list[ListedSite]] = {}
    found = session.scalars(
        select(Site).where(Site.merchant_id.in_([each.id for each in page])).order_by(Site.siret)
    )
    for site in found:
        sites.setdefault(site.merchant_id, []).append(
            ListedSite(site.id, site.siret, site.name, site.town, tuple(site.categories))
        )
    return [
        ListedMerchant(
            each.id,
            each.siren,
            each.name,
            each.legal_form,
            each.state,
            tuple(sites.get(each.id, ())),
        )
        for each in page
    ]


def site_names(session: Session, site_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the name of each site by its id."""
    rows = session.execute(select(Site.id, Site.name).where(Site.id.in_(site_ids)))
    return {site_id: name for site_id, name in rows}
