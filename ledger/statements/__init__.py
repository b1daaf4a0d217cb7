"""Reading the ledger: balances, the movements of an account, and its statement on either clock."""

from ledger.statements.as_of import balances_as_of
from ledger.statements.movements import available, balances, movements, spendable

__all__ = ["available", "balances", "balances_as_of", "movements", "spendable"]
