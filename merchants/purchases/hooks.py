"""What purchases give to the shell: the API, the holder's history, the console's figures."""

from flask_babel import lazy_gettext as _l

from merchants.purchases import api, pages
from merchants.purchases.explaining_captures import explain_captures
from sesame.platform.web.hooks import Registry


def register(registry: Registry) -> None:
    """Register API, pages, panels and menu entries."""
    registry.api(api.blueprint)
    registry.page(pages.blueprint)
    registry.menu(
        "wallet",
        _l("Mes achats"),
        "purchases_pages.purchases",
        icon="clock",
        order=20,
        roles=["beneficiary"],
    )
    registry.panel("wallet", pages.wallet_panel, order=90, roles=["beneficiary"])
    registry.panel(
        "console", pages.console_panel, order=20, roles=["officer", "accountant", "auditor"]
    )
    registry.explains("capture", explain_captures)
