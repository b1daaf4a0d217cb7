"""What a payment's correlation in the ledger stands for: the run, the payment, the line at the bank."""

from collections.abc import Sequence
from uuid import UUID

from flask import url_for
from flask_babel import format_date, ngettext
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from merchants.reimbursements.model import Remittance, Run, RunLine
from sesame.platform.web.hooks import Explanation


def explain_payments(session: Session, correlations: Sequence[UUID]) -> dict[UUID, Explanation]:
    """Return the run, how many sales it pays, and the bank file's end-to-end id, of each payment."""
    rows = session.execute(
        select(
            Remittance.id,
            Remittance.run_id,
            Remittance.line_count,
            Remittance.end_to_end_id,
            Run.message_id,
            Run.execution_on,
        )
        .join(Run, Run.id == Remittance.run_id)
        .where(Remittance.id.in_(correlations))
    )
    return {
        row.id: Explanation(
            title=_("Virement %(reference)s", reference=row.end_to_end_id),
            detail=" · ".join(
                (
                    _("campagne %(reference)s", reference=row.message_id),
                    ngettext("%(num)s opération", "%(num)s opérations", row.line_count),
                    _("payable le %(day)s", day=format_date(row.execution_on, "d MMMM y"))
                    if row.execution_on
                    else _("fichier bancaire à produire"),
                )
            ),
            url=url_for("runs.show", run_id=row.run_id),
        )
        for row in rows
    }


def payment_of(session: Session, transfers: Sequence[UUID]) -> dict[UUID, Explanation]:
    """Return the payment (leads_to) that pays each sale or refund, by the transfer's id.

    Of the runs that ever claimed a transfer, the one alive: a withdrawn run pays nothing.
    """
    rows = session.execute(
        select(RunLine.transfer_id, RunLine.remittance_id, Remittance.end_to_end_id, Run.state)
        .join(Remittance, Remittance.id == RunLine.remittance_id)
        .join(Run, Run.id == Remittance.run_id)
        .where(RunLine.transfer_id.in_(transfers), Run.state != "withdrawn")
    )
    return {
        row.transfer_id: Explanation(
            title=_("Virement %(reference)s", reference=row.end_to_end_id),
            detail=_("campagne à approuver") if row.state == "draft" else "",
            leads_to=row.remittance_id,
        )
        for row in rows
    }
