"""Merchants, the sites where they sell, and the payees who are paid for it."""
