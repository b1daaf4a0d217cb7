"""The journal of a mandate in the layout of the French legal accounting-entries file (FEC).

LPF, art. L47 A and A47 A-1 (arrêté du 29 juillet 2013); BOI-CF-IOR-60-40-20. Eighteen fields in the legal
order, tab-separated, their names in the first line; dates AAAAMMJJ in the scheme's zone; decimal comma;
ISO 8859-15 (the article allows ASCII, ISO 8859-15 and EBCDIC: UTF-8 isn't among them); CR LF.

The file begins with the opening balances (A nouveaux), then follows the order of validation
(`recorded_at`). A transfer is one entry of two lines. `EcritureNum` goes without a gap within its journal
and carries the journal's code, so it is unique in the file.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session
from stdnum.fr import siren as siren_numbers

from ledger.accounting.chart import JOURNALS, OPENING, Chart, Journal, journal_of
from ledger.accounting.mandate import (
    BANK,
    AccountBalance,
    Entry,
    Mandate,
    account_balances,
    journal,
)
from ledger.accounting.reasons import SirenInvalid
from ledger.statements.words import ACCOUNT_WORDS, KIND_WORDS, decimal

Labels = Callable[[UUID, str], str | None]
"""What a room above calls an account (its id, its kind), where the law lets the reader know; else None."""

ENCODING = "iso8859-15"
SEPARATOR = "\t"
FIELDS = {
    "JournalCode": "Code du journal",
    "JournalLib": "Libellé du journal",
    "EcritureNum": "Numéro de l'écriture : code du journal, puis une suite continue dans ce journal",
    "EcritureDate": "Date à laquelle l'écriture compte",
    "CompteNum": "Numéro de compte",
    "CompteLib": "Libellé du compte",
    "CompAuxNum": "Compte auxiliaire : identifiant opaque du compte au grand livre de la carte",
    "CompAuxLib": "Libellé du compte auxiliaire",
    "PieceRef": "Référence de la pièce : identifiant de l'opération (vente, attribution, paiement)",
    "PieceDate": "Date de l'opération elle-même",
    "EcritureLib": "Libellé de l'écriture",
    "Debit": "Montant au débit, en euros",
    "Credit": "Montant au crédit, en euros",
    "EcritureLet": "Lettrage (non utilisé)",
    "DateLet": "Date de lettrage (non utilisée)",
    "ValidDate": "Date de validation : celle de l'enregistrement, après laquelle rien ne change",
    "Montantdevise": "Montant en devise (non utilisé, tout est en euros)",
    "Idevise": "Devise (non utilisée)",
}
_PLAIN = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "..."})
_SPACES = re.compile(r"[\s|\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True, slots=True)
class _Side:
    """One line of an entry: an account, and how much to its debit or its credit."""

    kind: str
    account_id: UUID | None
    debit_cents: int
    credit_cents: int


def file_name(siren: str, closed_on: date) -> str:
    """Return "SIRENFECAAAAMMJJ.txt" (A47 A-1, IX). closed_on: the year's last day. Raises `SirenInvalid`."""
    if not siren_numbers.is_valid(siren):
        raise SirenInvalid()
    return f"{siren_numbers.compact(siren)}FEC{closed_on:%Y%m%d}.txt"


def last_day(of: Mandate, zone: ZoneInfo) -> date:
    """Return the last day of the period that is accounted for, in the scheme's zone."""
    return (of.before - timedelta(microseconds=1)).astimezone(zone).date()


def fec(
    session: Session,
    of: Mandate,
    *,
    zone: ZoneInfo,
    chart: Chart | None = None,
    labels: Labels | None = None,
) -> Iterator[bytes]:
    """Yield the file, line by line, encoded. Read it within one transaction (REPEATABLE READ) so that the
    opening balances and the entries tell of the same moment.
    """
    writer = _Writer(zone, chart or Chart(), labels or _no_label)
    yield _line(FIELDS)
    entries = journal(session, of)
    first = next(entries, None)
    opened = of.since if first is None else min(of.since, first.recorded_at)
    yield from writer.opening(account_balances(session, of), of.since, opened)
    for entry in chain([] if first is None else [first], entries):
        yield from writer.entry(entry)


def description(of: Mandate, *, zone: ZoneInfo, chart: Chart | None = None) -> bytes:
    """Return the description that must come with the file (A47 A-1, XI), in the same encoding."""
    accounts = (chart or Chart()).accounts
    lines = [
        "Description du fichier des écritures comptables (LPF, art. A47 A-1, XI)",
        f"Exercice : du {of.since.astimezone(zone):%d/%m/%Y} au {last_day(of, zone):%d/%m/%Y}",
        "Jeu de caractères : ISO 8859-15. Fichier à plat, une seule structure, longueur variable.",
        "Séparateur de zone : tabulation. Séparateur d'enregistrement : retour chariot et fin de ligne.",
        "Dates : AAAAMMJJ. Montants : euros, deux décimales, virgule, sans séparateur de milliers.",
        "Une écriture par mouvement du grand livre, dans l'ordre de validation ; à-nouveaux en tête.",
        "",
        "Zones",
        *(f"{name} : {meaning}" for name, meaning in FIELDS.items()),
        "",
        "Journaux",
        *(f"{each.code} : {each.name}" for each in JOURNALS),
        "",
        "Comptes",
        *(f"{each.number} : {each.name}" for each in accounts.values()),
        "",
    ]
    return "\r\n".join(lines).encode(ENCODING, "replace")


def clean(text: str) -> str:
    """Return `text` as the file can hold it: no separator, no control, nothing outside ISO 8859-15."""
    plain = _SPACES.sub(" ", text.translate(_PLAIN)).strip()
    return "".join(_encodable(each) for each in plain)


class _Writer:
    """Numbers entries, each journal by itself, and writes their lines."""

    def __init__(self, zone: ZoneInfo, chart: Chart, labels: Labels) -> None:
        self._zone = zone
        self._chart = chart
        self._labels = labels
        self._numbers: Counter[str] = Counter()

    def opening(
        self, balances: Sequence[AccountBalance], counts_at: datetime, opened: datetime
    ) -> Iterator[bytes]:
        """Write the entry that brings the balances forward: each account, and the bank that holds them."""
        held = [each for each in balances if each.opening_cents]
        if not held:
            return
        in_bank = sum(each.opening_cents for each in held)
        sides = [
            _Side(BANK, None, max(in_bank, 0), max(-in_bank, 0)),
            *(
                _Side(
                    each.kind,
                    each.account_id,
                    max(-each.opening_cents, 0),
                    max(each.opening_cents, 0),
                )
                for each in held
            ),
        ]
        yield from self._write(
            OPENING,
            [side for side in sides if side.debit_cents or side.credit_cents],
            words="A nouveaux",
            reference="A nouveaux",
            dates=(counts_at, counts_at, opened),
        )

    def entry(self, entry: Entry) -> Iterator[bytes]:
        """Write the two lines of an entry."""
        debited = None if entry.debit_kind == BANK else entry.debit_account_id
        credited = None if entry.credit_kind == BANK else entry.credit_account_id
        yield from self._write(
            journal_of(entry),
            [
                _Side(entry.debit_kind, debited, entry.amount_cents, 0),
                _Side(entry.credit_kind, credited, 0, entry.amount_cents),
            ],
            words=KIND_WORDS[entry.kind],
            reference=str(entry.correlation_id),
            dates=(entry.counts_at, entry.own_date, entry.recorded_at),
        )

    def _write(
        self,
        into: Journal,
        sides: Sequence[_Side],
        *,
        words: str,
        reference: str,
        dates: tuple[datetime, datetime, datetime],
    ) -> Iterator[bytes]:
        self._numbers[into.code] += 1
        counts, own, valid = (each.astimezone(self._zone).strftime("%Y%m%d") for each in dates)
        for side in sides:
            account = self._chart.account(side.kind)
            auxiliary = "" if side.account_id is None else side.account_id.hex
            yield _line(
                (
                    into.code,
                    into.name,
                    f"{into.code}{self._numbers[into.code]:08d}",
                    counts,
                    account.number,
                    account.name,
                    auxiliary,
                    self._auxiliary_name(side),
                    reference,
                    own,
                    words,
                    decimal(side.debit_cents),
                    decimal(side.credit_cents),
                    "",
                    "",
                    valid,
                    "",
                    "",
                )
            )

    def _auxiliary_name(self, side: _Side) -> str:
        if side.account_id is None:
            return ""
        return clean(self._labels(side.account_id, side.kind) or "") or ACCOUNT_WORDS[side.kind]


def _no_label(_account_id: UUID, _kind: str) -> str | None:
    return None


def _line(values: Iterator[str] | Sequence[str] | dict[str, str]) -> bytes:
    return (SEPARATOR.join(clean(each) for each in values) + "\r\n").encode(ENCODING)


def _encodable(character: str) -> str:
    """Return the character, or its letter without accents, or "?"."""
    try:
        character.encode(ENCODING)
    except UnicodeEncodeError:
        plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
        return _SPACES.sub(" ", plain) or "?"
    return character
