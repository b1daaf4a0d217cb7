"""The holder's purchases, and the console's view of the day."""

from uuid import UUID

from flask import Blueprint, render_template, request
from flask_babel import lazy_gettext as _l

from merchants.purchases.history import fortnight, history
from sesame.platform.identity import requires, signed_in
from sesame.platform.scheme import current_scheme
from sesame.platform.web import current

PAGE_SIZE = 30
LAST_FEW = 3
OUTCOMES = {"approved": _l("Payé"), "partial": _l("Payé en partie"), "refused": _l("Refusé")}

blueprint = Blueprint("purchases_pages", __name__, template_folder="templates")


@blueprint.get("/wallet/purchases")
@requires("beneficiary")
def purchases() -> str:
    """All my purchases, with what was refused and why."""
    before = request.args.get("before", type=UUID)
    beneficiary_id = signed_in().subject_id
    assert beneficiary_id is not None  # noqa: S101  a beneficiary's identity always has its file
    with current().database.sessions() as session:
        zone = current_scheme(session).zone
        lines = history(session, beneficiary_id, limit=PAGE_SIZE + 1, before=before)
    return render_template(
        "purchases/history.html",
        lines=lines[:PAGE_SIZE],
        more=lines[PAGE_SIZE - 1].id if len(lines) > PAGE_SIZE else None,
        outcomes=OUTCOMES,
        zone=zone,
        first_page=before is None,
    )


def wallet_panel() -> str:
    """The last few purchases, on the wallet."""
    beneficiary_id = signed_in().subject_id
    assert beneficiary_id is not None  # noqa: S101  a beneficiary's identity always has its file
    with current().database.sessions() as session:
        zone = current_scheme(session).zone
        lines = history(session, beneficiary_id, limit=LAST_FEW)
    return render_template("purchases/wallet_panel.html", lines=lines, outcomes=OUTCOMES, zone=zone)


def console_panel() -> str:
    """Purchases of the last fortnight, on the console's first page."""
    shell = current()
    with shell.database.sessions() as session:
        days = fortnight(session, current_scheme(session).zone, shell.clock.now())
    most = max((day.paid_count for day in days), default=0)
    return render_template("purchases/console_panel.html", days=days, most=most, today=days[-1])
