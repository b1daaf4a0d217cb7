"""What this feature gives to the shell."""

from flask_babel import lazy_gettext as _l

from merchants.terminals.api import blueprint as api
from merchants.terminals.commands import terminal
from merchants.terminals.pages import blueprint as pages
from sesame.platform.web.hooks import Registry


def register(registry: Registry) -> None:
    """Register the API, the pages, their menu entry and the command line."""
    registry.api(api)
    registry.page(pages)
    registry.menu(
        "console",
        _l("Partenaires"),
        "terminals_pages.partners",
        icon="store",
        order=40,
        roles=("officer", "accountant", "auditor"),
    )
    registry.commands(terminal)
