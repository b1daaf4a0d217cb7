"""What the ledger gives to the shell."""

from ledger.commands import ledger
from sesame.platform.web.hooks import Registry


def register(registry: Registry) -> None:
    """Register the command line."""
    registry.commands(ledger)
