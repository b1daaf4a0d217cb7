"""What of the ledger waits for someone on the console's first page: envelopes below their thresholds."""

from flask import render_template
from sqlalchemy import select

from ledger.model import Account
from ledger.reading.naming import name_accounts
from ledger.thresholds import warned
from sesame.platform.web import current


def below_thresholds() -> str | None:
    """Draw the envelopes that are below their thresholds, or nothing."""
    with current().database.sessions() as session:
        found = warned(session)
        if not found:
            return None
        rows = session.scalars(
            select(Account).where(Account.id.in_([each.account_id for each in found]))
        ).all()
        names = name_accounts(session, rows)
    return render_template("ledger/below_thresholds.html", found=found, names=names)
