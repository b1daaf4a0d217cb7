"""What this feature gives to the shell."""

from flask_babel import lazy_gettext as _l

from merchants.reimbursements.acting import APPROVES, PREPARES, READS
from merchants.reimbursements.commands import reimburse
from merchants.reimbursements.explaining_payments import explain_payments, payment_of
from merchants.reimbursements.pages import blueprint
from merchants.reimbursements.panel import to_approve, to_prepare
from sesame.platform.web.hooks import Registry


def register(registry: Registry) -> None:
    """Register the pages, what waits on the console's first page, and the commands."""
    registry.page(blueprint)
    registry.menu("console", _l("Remboursements"), "runs.index", icon="euro", order=60, roles=READS)
    registry.panel("console_todo", to_approve, order=10, roles=APPROVES)
    registry.panel("console_todo", to_prepare, order=60, roles=PREPARES)
    registry.commands(reimburse)
    registry.explains("remit", explain_payments)
    registry.explains("payment_of", payment_of)
