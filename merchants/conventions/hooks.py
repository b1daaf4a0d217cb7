"""What this feature gives to the shell."""

from merchants.conventions.commands import convention
from sesame.platform.web.hooks import Registry


def register(registry: Registry) -> None:
    """Register the command line."""
    registry.commands(convention)
