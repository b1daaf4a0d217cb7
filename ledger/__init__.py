"""Money and tickets: accounts and the transfers between them. Knows no person, no card, no shop.

The sign rule, said once: a transfer takes `amount` out of its debit account and puts it into its
credit account. An account's balance is what it was credited less what it was debited. A guarded
account's balance never goes below zero. Amounts are units of the account's asset: cents for EUR.
"""
