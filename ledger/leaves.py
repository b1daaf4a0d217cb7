"""What one leaf of the sealed log is: a transfer's row as PostgreSQL's COPY writes it, in UTC.

One line, tab separated, with COPY's mark for NULL, without its newline: all columns of
`ledger.transfer` in a fixed order. An export's files are these very lines, so their hashes can be made
with no program of ours.
"""

LEAF_COLUMNS = (
    *("id", "debit_account_id", "credit_account_id", "amount", "kind", "correlation_id"),
    *("corrects_id", "hold_id", "happened_at", "counts_at", "recorded_at", "recorded_in"),
)
UUID_CHARACTERS = 36
