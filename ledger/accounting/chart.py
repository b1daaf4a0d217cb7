"""The chart of accounts of a mandate: which account of the general chart each kind of ours is.

A mandatary pays with other people's money. Nothing of it is its expense or its income, so nothing of it
is in classes 6 and 7: the mandate lives in class 4 (467, other debtors and creditors, one subdivision for
each stage of the money) and in the one bank account opened for it (512). What the operator is paid for
its work is its own accounting, and isn't here.
"""

import re
from dataclasses import dataclass, field

from ledger.accounting.mandate import BANK, Entry
from ledger.accounting.reasons import ChartInvalid

_NUMBER = re.compile(r"[45][0-9]{2}[0-9A-Z]{0,9}")


@dataclass(frozen=True, slots=True)
class ChartAccount:
    """One account of the general chart: its number (three digits first) and what it is called."""

    number: str
    name: str


@dataclass(frozen=True, slots=True)
class Journal:
    """One journal: its short code and what it is called."""

    code: str
    name: str


_MANDATE_ACCOUNTS = {
    BANK: ChartAccount("512100", "Banque, compte dédié au mandat"),
    "envelope": ChartAccount("467100", "Mandants, fonds reçus et disponibles"),
    "entitlement": ChartAccount("467200", "Mandants, fonds attribués aux bénéficiaires"),
    "backing": ChartAccount("467300", "Mandants, provisions des droits en tickets"),
    "payable": ChartAccount("467400", "Créanciers, sommes dues"),
    "in_transit": ChartAccount("467800", "Virements ordonnés, en cours"),
}
OPENING = Journal("AN", "A nouveaux")
BANK_JOURNAL = Journal("BQ", "Banque")
GRANTS = Journal("AT", "Attributions")
SPENDING = Journal("DP", "Dépenses des bénéficiaires")
ORDERS = Journal("VT", "Ordres de virement")
JOURNALS = (OPENING, BANK_JOURNAL, GRANTS, SPENDING, ORDERS)
_JOURNAL_OF_KIND = {
    "capture": SPENDING,
    "cancellation": SPENDING,
    "refund": SPENDING,
    "remit": ORDERS,
    "return": ORDERS,
}


@dataclass(frozen=True)
class Chart:
    """The account of the general chart for each kind. An operator may give its own numbers.

    Raises `ChartInvalid` for a number outside classes 4 and 5, or a bank outside class 5.
    """

    accounts: dict[str, ChartAccount] = field(default_factory=lambda: dict(_MANDATE_ACCOUNTS))

    def __post_init__(self) -> None:
        for kind in _MANDATE_ACCOUNTS:
            number = self.accounts[kind].number
            if not _NUMBER.fullmatch(number) or (kind == BANK) != number.startswith("5"):
                raise ChartInvalid(number=number)

    def account(self, kind: str) -> ChartAccount:
        """Return the account for a kind of the ledger's, or for `BANK`."""
        return self.accounts[kind]


def journal_of(entry: Entry) -> Journal:
    """Return the journal of an entry: the bank's when money came or left, else by its kind."""
    if BANK in (entry.debit_kind, entry.credit_kind):
        return BANK_JOURNAL
    return _JOURNAL_OF_KIND.get(entry.kind, GRANTS)
