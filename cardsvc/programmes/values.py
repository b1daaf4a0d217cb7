"""The texts of a programme's file as exact values: cents, weights, days. Never a float."""

import re
from datetime import date
from typing import Any

from cardsvc.programmes.rules import SHARE_DECIMALS, WHOLE_WEIGHT

_EUROS = re.compile(r"(0|[1-9][0-9]{0,6})\.([0-9]{2})", re.ASCII)
_SHARE = re.compile(r"(0|[1-9][0-9]{0,2})(?:\.([0-9]{1,4}))?", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def cents_of(text: str) -> int:
    """Return the cents of "70.00". Raises ValueError for any other form."""
    match = _EUROS.fullmatch(text)
    if match is None:
        raise ValueError("not an amount with two decimals")
    return int(match[1]) * 100 + int(match[2])


def weight_or_none(text: Any) -> int | None:
    """Return the weight of a percentage ("60" → 600,000), or None for any other form."""
    match = _SHARE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    decimals = str(match[2] or "").ljust(SHARE_DECIMALS, "0")
    return int(f"{match[1]}{decimals}")


def percent_text(weight: int) -> str:
    """Return a weight as people write a percentage: 600,000 → "60", 333,334 → "33.3334"."""
    whole, rest = divmod(weight, WHOLE_WEIGHT // 100)
    return f"{whole}.{rest:04d}".rstrip("0").rstrip(".")


def day_or_none(text: Any) -> date | None:
    """Return the day of "2026-09-01", or None where there is no such day."""
    if not isinstance(text, str) or _DAY.fullmatch(text) is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
