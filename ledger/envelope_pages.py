"""The console's page on one envelope: its life month by month, its forecast, its threshold."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.accounting.calls import calls
from ledger.model import Account
from ledger.pages import READS
from ledger.reading.envelope import (
    PACE_DAYS,
    Flow,
    Life,
    Payments,
    forecast,
    life,
    payments,
    shares_with,
)
from ledger.reading.naming import name_accounts
from ledger.thresholds import crossings, set_threshold, threshold_of
from sesame.platform.database import unit_of_work
from sesame.platform.identity import requires, signed_in
from sesame.platform.money import parse_cents
from sesame.platform.problems import SesameError
from sesame.platform.scheme import current_scheme
from sesame.platform.web import current
from sesame.platform.web.hooks import explain

SETS_THRESHOLDS = ("officer",)
CROSSINGS_SHOWN = 6
MONTHS_SHOWN = 24

blueprint = Blueprint("ledger_envelopes", __name__)


@dataclass(frozen=True)
class Bar:
    """One month of the chart, in the drawing's own units: where its bar stands and how high it is."""

    x: int
    y: int
    height: int
    month: datetime
    spent_cents: int
    now: bool
    labelled: bool


@dataclass(frozen=True)
class OtherFunder:
    """An envelope that shares the programme: its part of the spending, and what it was asked for."""

    account_id: UUID
    name: str
    spent_cents: int
    called_cents: int


@blueprint.get("/console/ledger/envelopes/<uuid:account_id>")
@requires(*READS)
def show(account_id: UUID) -> str:
    """Show what an envelope was given, gave, and how long the rest lasts."""
    now = current().clock.now()
    with current().database.sessions() as session:
        zone = current_scheme(session).zone
        of = life(session, account_id, zone=zone, at=now)
        named = name_accounts(session, [of.envelope])[account_id]
        known = threshold_of(session, account_id)
        noticed = crossings(session, account_id, CROSSINGS_SHOWN)
        return render_template(
            "ledger/envelope.html",
            account=of.envelope,
            named=named,
            total=of.total,
            held=of.held,
            months=of.months[-MONTHS_SHOWN:],
            bars=bars(of.months[-MONTHS_SHOWN:]),
            paid=_payments(session, account_id),
            others=_others(session, of),
            forecast=forecast(of, last_day=named.until, zone=zone, at=now),
            pace_days=PACE_DAYS,
            threshold=known,
            crossings=noticed,
            below=known is not None and of.total.left < known.below_cents,
            may_set=signed_in().role in SETS_THRESHOLDS,
            zone=zone,
        )


@blueprint.post("/console/ledger/envelopes/<uuid:account_id>/threshold")
@requires(*SETS_THRESHOLDS)
def set_envelope_threshold(account_id: UUID) -> ResponseReturnValue:
    """Set below what this envelope is to be warned of; an empty amount ends it."""
    now = current().clock.now()
    here = url_for("ledger_envelopes.show", account_id=account_id)
    typed = request.form.get("below", "").strip()
    try:
        below = parse_cents(typed) if typed else None
        with unit_of_work(current().database) as session:
            set_threshold(session, account_id, below, by=signed_in().id, at=now)
    except SesameError as refusal:
        flash(f"{refusal.sentence()} ({refusal.code})", "no")
        return redirect(here)
    flash(_("Seuil enregistré.") if below else _("Seuil retiré."), "ok")
    return redirect(here)


def bars(months: tuple[Flow, ...], height: int = 96, width: int = 24) -> list[Bar]:
    """Return the chart's bars: what was spent each month, to one scale; the last month is now."""
    most = max((month.spent for month in months), default=0)
    drawn = []
    for number, month in enumerate(months):
        tall = 0 if most <= 0 else max(round(height * max(month.spent, 0) / most), 0)
        last = number == len(months) - 1
        every = -(-len(months) // 6)
        drawn.append(
            Bar(
                x=number * width + 3,
                y=height - tall,
                height=tall,
                month=month.since,
                spent_cents=month.spent,
                now=last,
                labelled=(len(months) - 1 - number) % every == 0,
            )
        )
    return drawn


def _payments(session: Session, account_id: UUID) -> Payments | None:
    """Return what is owed and paid by this envelope; None when another one of the programme pays."""
    payables = [
        payable
        for payable, explained in explain("payables_of", session, [account_id]).items()
        if explained.leads_to == account_id
    ]
    return payments(session, payables) if payables else None


def _others(session: Session, of: Life) -> list[OtherFunder]:
    ids = shares_with(session, of.envelope.id)
    rows = session.scalars(select(Account).where(Account.id.in_(ids))).all()
    names = name_accounts(session, rows)
    now, zone = current().clock.now(), current_scheme(session).zone
    return [
        OtherFunder(
            other,
            names[other].title,
            life(session, other, zone=zone, at=now).total.spent,
            sum(call.called_cents for call in calls(session, other, of.envelope.id)),
        )
        for other in ids
    ]
