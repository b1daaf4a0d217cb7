"""What signing in gives to the shell."""

from sesame.platform.identity.pages import blueprint
from sesame.platform.web.hooks import Registry


def register(registry: Registry) -> None:
    """Register the pages."""
    registry.page(blueprint)
