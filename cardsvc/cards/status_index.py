"""Places in the status list: dense, so that the list stays small; in an order that tells nothing.

Tokens are numbered 0, 1, 2…; each block of 131,072 numbers is shuffled by a keyed permutation (a
Feistel network whose rounds are HMAC-SHA256). Two shops that compare the indices they saw learn
only which block a token is from: about when it was issued, never who came next to whom.
"""

import hmac

BLOCK_BITS = 17
BLOCK = 1 << BLOCK_BITS
_HALF_BITS = 9  # the network works on 18 bits; results outside of the block go round again
_HALF_MASK = (1 << _HALF_BITS) - 1
_ROUNDS = 8


def status_index(key: bytes, number: int) -> int:
    """Return the place of the token `number` (0 or more): one to one, in the number's own block."""
    block, place = divmod(number, BLOCK)
    while True:
        place = _permute(key, block, place)
        if place < BLOCK:
            return block * BLOCK + place


def _permute(key: bytes, block: int, value: int) -> int:
    left, right = value >> _HALF_BITS, value & _HALF_MASK
    for turn in range(_ROUNDS):
        message = f"{block}:{turn}:{right}".encode("ascii")
        mixed = int.from_bytes(hmac.digest(key, message, "sha256")[:2], "big") & _HALF_MASK
        left, right = right, left ^ mixed
    return left << _HALF_BITS | right
