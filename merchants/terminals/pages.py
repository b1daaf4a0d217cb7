"""The till's page, which anyone may open (its key is its identity); the officer's list of partners,
and the page that shows a till's code once.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import Blueprint, render_template, request
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from stdnum.fr import siret as stdnum_siret

from merchants.conventions.listing import convention_states
from merchants.directory.categories import category_label
from merchants.directory.listing import ListedSite, count_merchants, list_merchants
from merchants.directory.model import Site
from merchants.directory.reasons import SiteUnknown
from merchants.terminals.codes import make_code
from merchants.terminals.listing import ListedTerminal, terminals_of
from merchants.terminals.till_texts import category_labels, till_texts
from sesame.platform.database import unit_of_work
from sesame.platform.identity import requires, signed_in
from sesame.platform.scheme import current_scheme
from sesame.platform.web import current
from sesame.platform.web.security import allow_camera_and_wasm

PAGE_SIZE = 50

CONVENTION_NAMES = {
    "draft": _l("À signer"),
    "active": _l("Active"),
    "suspended": _l("Suspendue"),
    "terminated": _l("Terminée"),
}
CONVENTION_TAGS = {"draft": "warn", "active": "ok", "suspended": "warn", "terminated": "no"}
TERMINAL_NAMES = {
    "active": _l("Active"),
    "suspended": _l("Suspendue"),
    "revoked": _l("Retirée"),
}

blueprint = Blueprint(
    "terminals_pages",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/terminals",
)
blueprint.add_app_template_filter(category_label, "category")
blueprint.add_app_template_filter(stdnum_siret.format, "siret")


@dataclass(frozen=True)
class PartnerSite:
    """A place on the officer's list, with its terminals."""

    place: ListedSite
    terminals: list[ListedTerminal]


@dataclass(frozen=True)
class Partner:
    """A merchant on the officer's list."""

    convention: str | None
    sites: list[PartnerSite]


@blueprint.get("/till")
def till() -> str:
    """Show the till: enrol it, sell, or say what keeps it from selling."""
    allow_camera_and_wasm()
    return render_template("terminals/till.html", texts=till_texts(), categories=category_labels())


@blueprint.get("/console/partners")
@requires("officer", "accountant", "auditor")
def partners() -> str:
    """List the merchants with their conventions and terminals, fifty a page."""
    with unit_of_work(current().database) as session:
        total = count_merchants(session)
        pages = max(1, -(-total // PAGE_SIZE))
        page = min(max(1, request.args.get("page", 1, int)), pages)
        shown = _partners(session, page, current().clock.now())
    return render_template(
        "terminals/partners.html",
        partners=shown,
        total=total,
        page=page,
        pages=pages,
        may_enrol=signed_in().role == "officer",
        convention_names=CONVENTION_NAMES,
        convention_tags=CONVENTION_TAGS,
        terminal_names=TERMINAL_NAMES,
    )


@blueprint.post("/console/partners/till-codes")
@requires("officer")
def make_till_code() -> str:
    """Make a code for a site and show it: this once."""
    shell = current()
    try:
        site_id = UUID(request.form.get("site_id", ""))
    except ValueError:
        raise SiteUnknown() from None
    with unit_of_work(shell.database) as session:
        made = make_code(session, shell.settings, site_id, at=shell.clock.now())
        site = session.get_one(Site, site_id)
        zone = current_scheme(session).zone
    return render_template(
        "terminals/till_code.html",
        code=made.code,
        expires_at=made.expires_at,
        zone=zone,
        site_name=site.name,
        till_address=f"{shell.settings.public_url}/till",
    )


def _partners(session: Session, page: int, at: datetime) -> list[Partner]:
    merchants = list_merchants(session, limit=PAGE_SIZE, offset=(page - 1) * PAGE_SIZE)
    states = convention_states(session, [each.id for each in merchants], at)
    terminals = terminals_of(session, [site.id for each in merchants for site in each.sites])
    return [
        Partner(
            states[each.id], [PartnerSite(site, terminals.get(site.id, [])) for site in each.sites]
        )
        for each in merchants
    ]
