"""What this feature gives to the shell."""

from sesame.platform.web.hooks import Registry


def register(registry: Registry) -> None:
    """Register nothing yet."""
