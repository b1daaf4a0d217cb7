"""How an amount is shared among funders: the rule of `ledger.parts`, for those who plan ahead of it."""

from collections.abc import Sequence


def parts(amount: int, weights: Sequence[int]) -> list[int]:
    """Return each funder's part (cents) of an amount; they sum to it.

    The first bears its rounded share (half a cent up) of the whole; what is left is shared among the
    others in the same way. No part shrinks while the amount grows, so what grants, refunds and
    expiries move in any order always adds up to the parts of what is contributed.
    """
    left, whole, found = amount, sum(weights), []
    for weight in weights:
        part = (2 * left * weight + whole) // (2 * whole)
        found.append(part)
        left -= part
        whole -= weight
    return found
