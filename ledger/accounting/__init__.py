"""What French public accounting asks of a ledger: the FEC, rendering of accounts, liquidation, calls for
funds. docs/accounting.md says which text asks for what.
"""
