"""What of the runs waits for someone on the console's first page."""

from flask import render_template

from merchants.reimbursements.owed import left_out, owed
from merchants.reimbursements.payers import payers
from merchants.reimbursements.runs import waiting_totals
from sesame.platform.database import unit_of_work
from sesame.platform.web import current


def to_approve() -> str | None:
    """Draw the drafts that wait for an accountant, or nothing."""
    with unit_of_work(current().database) as session:
        runs, payments, cents = waiting_totals(session)
    if not runs:
        return None
    return render_template(
        "reimbursements/to_approve.html", runs=runs, payments=payments, cents=cents
    )


def to_prepare() -> str | None:
    """Draw what an officer could put into a run, and how many can't be paid; or nothing."""
    now = current().clock.now()
    with unit_of_work(current().database) as session:
        found = [owed(session, payer, now) for payer in payers(session).values()]
        left = sum(len(left_out(session, payer, now)) for payer in payers(session).values())
    partners, cents = sum(each.payees for each in found), sum(each.cents for each in found)
    if not cents and not left:
        return None
    return render_template(
        "reimbursements/to_prepare.html", partners=partners, cents=cents, left=left
    )
