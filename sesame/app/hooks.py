"""What the top gives to the shell: the home pages that every room's panels fill."""

from flask_babel import lazy_gettext as _l

from sesame.app.home import CONSOLE_ROLES, blueprint
from sesame.platform.web.hooks import Registry


def register(registry: Registry) -> None:
    """Register the pages, and the console's first menu entry."""
    registry.page(blueprint)
    registry.menu(
        "console",
        _l("Aujourd'hui"),
        "home.console",
        icon="house",
        order=0,
        roles=CONSOLE_ROLES,
    )
