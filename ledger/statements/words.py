"""How documents say things: what kinds are called, how amounts and dates are written.

The documents go to French public accountants, so they are in French whatever the screens' language.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from sesame.platform.money import NBSP, format_cents

RELEASE_TAKEN_BACK = "release_taken_back"
"""Not a kind of transfer: the refund or cancellation of tickets, on the side of what they hadn't cost."""

KIND_WORDS = {
    "fund": "Versement du financeur",
    "correction": "Correction d’un versement",
    "grant": "Attribution",
    "withdrawal": "Retrait d’une attribution",
    "expiry": "Fin de validité",
    "regrant": "Remise à disposition",
    "capture": "Encaissement",
    "release": "Reliquat rendu à l’enveloppe",
    RELEASE_TAKEN_BACK: "Reliquat repris sur l’enveloppe",
    "cancellation": "Annulation",
    "refund": "Remboursement client",
    "remit": "Mise en paiement",
    "settle": "Paiement exécuté",
    "return": "Retour de paiement",
}
ACCOUNT_WORDS = {
    "funding": "Fonds du financeur",
    "envelope": "Enveloppe",
    "entitlement": "Droit d’un bénéficiaire",
    "backing": "Provision d’un droit en tickets",
    "issued": "Tickets émis",
    "used": "Tickets utilisés",
    "payable": "Créance d’un créancier",
    "in_transit": "Virement en cours",
    "paid": "Sommes payées",
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def decimal(units: int, asset: str = "EUR") -> str:
    """Return an amount as a bookkeeper's file has it: "-1240,05" for cents, "3" for tickets."""
    if asset != "EUR":
        return str(units)
    euros, cents = divmod(abs(units), 100)
    return f"{'-' if units < 0 else ''}{euros},{cents:02d}"


def amount(units: int, asset: str = "EUR") -> str:
    """Return an amount as a person reads it: "38 412,60 €", "3 tickets"."""
    if asset == "EUR":
        return format_cents(units)
    return f"{units}{NBSP}ticket{'s' if abs(units) > 1 else ''}"


def day(moment: datetime, zone: ZoneInfo) -> str:
    """Return the day of `moment` in the scheme's zone: "24/11/2026"."""
    return moment.astimezone(zone).strftime("%d/%m/%Y")


def minute(moment: datetime, zone: ZoneInfo) -> str:
    """Return the minute of `moment` in the scheme's zone: "24/11/2026 10:00"."""
    return moment.astimezone(zone).strftime("%d/%m/%Y %H:%M")


def inert(text: str) -> str:
    """Return `text` so that no spreadsheet takes it for a formula (a leading apostrophe where it would)."""
    return f"'{text}" if text.startswith(_FORMULA) else text
