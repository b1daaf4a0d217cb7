"""Cards: their life, the phones that hold them, the issuer's keys and the tokens."""

from cardsvc.cards.issue import (
    enrol_phone,
    issue_token,
    phones_of,
    revoke_every_phone,
    revoke_phone,
    token_expiry,
)
from cardsvc.cards.issuer import (
    create_issuer_key,
    issuer_keys,
    rotate_issuer_key,
    withdraw_issuer_key,
)
from cardsvc.cards.life import (
    block_card,
    current_card,
    declare_lost,
    open_card,
    replace_card,
    unblock_card,
)

__all__ = [
    "block_card",
    "create_issuer_key",
    "current_card",
    "declare_lost",
    "enrol_phone",
    "issue_token",
    "issuer_keys",
    "open_card",
    "phones_of",
    "replace_card",
    "revoke_every_phone",
    "revoke_phone",
    "rotate_issuer_key",
    "token_expiry",
    "unblock_card",
    "withdraw_issuer_key",
]
