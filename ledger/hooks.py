"""What the ledger gives to the shell."""

from flask_babel import lazy_gettext as _l

from ledger import (
    api,
    envelope_pages,
    jobs,  # noqa: F401  a job is known once its module is read
    pages,
)
from ledger.commands import ledger
from ledger.panel import below_thresholds
from sesame.platform.web.hooks import Registry


def register(registry: Registry) -> None:
    """Register the command line, the API for auditors, the console's pages and what waits there."""
    registry.commands(ledger)
    registry.api(api.blueprint)
    registry.page(pages.blueprint)
    registry.page(envelope_pages.blueprint)
    registry.menu(
        "console",
        _l("Grand livre"),
        "ledger.index",
        icon="scroll-text",
        order=70,
        roles=pages.READS,
    )
    registry.panel("console_todo", below_thresholds, order=20, roles=pages.READS)
