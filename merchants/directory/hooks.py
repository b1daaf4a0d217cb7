"""What this feature gives to the shell."""

from merchants.directory.commands import merchant
from merchants.directory.explaining_payables import explain_payables, payables_of
from sesame.platform.web.hooks import Registry


def register(registry: Registry) -> None:
    """Register the command line, and what the ledger's payables are."""
    registry.commands(merchant)
    registry.explains("payable", explain_payables)
    registry.explains("payables_of", payables_of)
