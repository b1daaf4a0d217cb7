"""Amounts as a cashier types and reads them, to and from integer cents."""

import re

from .refusals import AgentRefused

# No single sale on a youth card comes near ten thousand euros; a slip of the finger does.
MAX_SALE_CENTS = 1_000_000
_AMOUNT = re.compile(r"(-?)([0-9]{1,15})(?:[.,]([0-9]{1,15}))?")
_CENT_DIGITS = 2
_NO_BREAK_SPACE = "\u00a0"


def parse_amount_cents(text: str) -> int:
    """Read "12,40", "12.40", "12,4" or "12" into cents, exactly.

    :raises AgentRefused: `amount_malformed`, `amount_not_positive`, `amount_fraction_of_cent`,
        `amount_too_large`.
    """
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise AgentRefused("amount_malformed")
    sign, euros, decimals = match.group(1), match.group(2), match.group(3) or ""
    cents_digits, beyond = decimals[:_CENT_DIGITS], decimals[_CENT_DIGITS:]
    # "12,400" may be twelve euros forty or twelve thousand four hundred: never guess.
    if beyond:
        raise AgentRefused("amount_fraction_of_cent")
    amount_cents = int(euros) * 100 + int(cents_digits.ljust(_CENT_DIGITS, "0"))
    return check_amount_cents(-amount_cents if sign else amount_cents)


def check_amount_cents(amount_cents: int) -> int:
    """Give back an amount that may be asked of a card.

    :raises AgentRefused: `amount_not_positive`, `amount_too_large`.
    """
    if amount_cents <= 0:
        raise AgentRefused("amount_not_positive")
    if amount_cents > MAX_SALE_CENTS:
        raise AgentRefused("amount_too_large")
    return amount_cents


def format_amount(amount_cents: int, lang: str) -> str:
    """Write cents for a person: "1 234,56 €" in French, "€1,234.56" in English."""
    euros, cents = divmod(amount_cents, 100)
    if lang == "en":
        return f"€{euros:,}.{cents:02}"
    grouped = f"{euros:,}".replace(",", _NO_BREAK_SPACE)
    return f"{grouped},{cents:02}{_NO_BREAK_SPACE}€"
