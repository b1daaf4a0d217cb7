"""Amounts are integer cents everywhere; only this file turns them into text and back."""

import re

from sesame.platform.problems import Reason, SesameError, declare

NBSP = "\u00a0"
MAX_CENTS = 100_000_000_00
"""One hundred million euros: above it, an amount is a mistake and not a price."""

_TYPED = re.compile(r"(?P<euros>[0-9]{1,12})(?:[.,](?P<cents>[0-9]{1,2}))?")


class AmountInvalid(SesameError):
    """The text isn't an amount in euros and whole cents, above zero."""

    reason = declare(
        Reason(
            code="amount_invalid",
            status=422,
            sentence="Le montant doit être un nombre d'euros positif, avec deux décimales au plus.",
        )
    )


def format_cents(cents: int, locale: str = "fr") -> str:
    """Return `cents` as a person writes it: "38 412,60 €" (no-break spaces) or "€38,412.60"."""
    sign = "−" if cents < 0 else ""
    euros, rest = divmod(abs(cents), 100)
    if locale.startswith("fr"):
        return f"{sign}{euros:,}".replace(",", NBSP) + f",{rest:02d}{NBSP}€"
    return f"{sign}€{euros:,}.{rest:02d}"


def parse_cents(text: str) -> int:
    """Return the integer cents of "12", "12,4", "12.40 €". Raises `AmountInvalid`."""
    bare = text.replace(NBSP, "").replace("\u202f", "").replace(" ", "").removesuffix("€")
    match = _TYPED.fullmatch(bare)
    if match is None:
        raise AmountInvalid()
    cents = int(match["euros"]) * 100 + int((match["cents"] or "0").ljust(2, "0"))
    if not 0 < cents <= MAX_CENTS:
        raise AmountInvalid()
    return cents
