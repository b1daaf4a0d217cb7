"""The rendering of accounts as it is handed over: one ZIP, its files in the order of D1611-25, a summary
in PDF, and the fingerprint of every file.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from ledger.accounting.chart import Chart
from ledger.accounting.documents import Document, check_names
from ledger.accounting.fec import Labels, description, fec, file_name, last_day
from ledger.accounting.mandate import Mandate
from ledger.accounting.rendering import Balance, Rendering, rendering
from ledger.statements.files import csv_file
from ledger.statements.paper import print_pdf
from ledger.statements.words import ACCOUNT_WORDS, KIND_WORDS, amount, day, decimal, inert

_A_DAY = (1980, 1, 1, 0, 0, 0)
"""ZIP's first day, for every file: the same accounts make the same archive."""


@dataclass(frozen=True)
class Mandatary:
    """Who renders the accounts. scheme_name: the card it is for; principal: whose money it pays with."""

    name: str
    siren: str
    principal: str
    scheme_name: str


@dataclass(frozen=True)
class FiledFile:
    """A file of the archive: the article's point that asks for it, and its fingerprint."""

    name: str
    asked_by: str
    sha256: str


def write_rendering(
    session: Session,
    of: Mandate,
    path: Path,
    *,
    by: Mandatary,
    zone: ZoneInfo,
    documents: Sequence[Document] = (),
    chart: Chart | None = None,
    labels: Labels | None = None,
    ended: bool = False,
) -> tuple[Rendering, list[FiledFile]]:
    """Write the accounts of a mandate to the ZIP `path`; return them, and the list of its files.

    documents: those that weren't produced before (D1611-25, 5°). ended: the mandate is over, these are
    its last accounts. Raises `SirenInvalid`, `DocumentsTwice` and what `rendering` raises.
    """
    journal_name = f"6-journal/{file_name(by.siren, last_day(of, zone))}"
    check_names(documents)
    accounts = rendering(session, of)
    chart = chart or Chart()
    filed: list[FiledFile] = []
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, asked_by, content in _sheets(accounts, chart, labels):
            filed.append(_file(archive, name, asked_by, [content]))
        lines = fec(session, of, zone=zone, chart=chart, labels=labels)
        filed.append(_file(archive, journal_name, "D1611-25, al. 2 ; LPF A47 A-1", lines))
        told = [description(of, zone=zone, chart=chart)]
        filed.append(_file(archive, "6-journal/description.txt", "LPF A47 A-1, XI", told))
        listed = csv_file(
            ("Fichier", "Nature", "Date", "SHA-256"),
            (
                (inert(each.file_name), inert(each.nature), f"{each.dated:%d/%m/%Y}", each.sha256)
                for each in documents
            ),
        )
        filed.append(_file(archive, "7-bordereau-des-pieces.csv", "D1611-25, 5°", [listed]))
        for document in documents:
            name = f"pieces/{document.file_name}"
            filed.append(_file(archive, name, "D1611-25, 5°", [document.content]))
        summary = _summary(accounts, filed, by, zone, chart, documents, ended)
        filed.insert(0, _file(archive, "0-bordereau.pdf", "D1611-25", [summary]))
        prints = "".join(f"{each.sha256}  {each.name}\n" for each in filed)
        _file(archive, "empreintes-sha256.txt", "", [prints.encode()])
    return accounts, filed


def _sheets(
    accounts: Rendering, chart: Chart, labels: Labels | None
) -> Iterator[tuple[str, str, bytes]]:
    """Yield each sheet: its name, what asks for it, its bytes."""
    yield (
        "1-balance-generale.csv",
        "D1611-25, 1°",
        csv_file(
            (
                *("Compte", "Libellé", "Ouverture débit", "Ouverture crédit"),
                *("Débits", "Crédits", "Clôture débit", "Clôture crédit"),
            ),
            (
                (
                    chart.account(each.kind).number,
                    chart.account(each.kind).name,
                    *map(
                        decimal,
                        (
                            *(each.opening_debit, each.opening_credit, each.debited),
                            *(each.credited, each.closing_debit, each.closing_credit),
                        ),
                    ),
                )
                for each in _by_number(accounts, chart)
            ),
        ),
    )
    yield (
        "2-developpement-des-soldes.csv",
        "D1611-25, 2°",
        csv_file(
            ("Compte", "Compte auxiliaire", "Libellé", "Solde de clôture"),
            (
                (
                    chart.account(each.kind).number,
                    str(each.account_id),
                    _label(labels, each.account_id, each.kind),
                    decimal(each.closing_cents),
                )
                for each in accounts.balances
                if each.closing_cents
            ),
        ),
    )
    cash = accounts.cash
    yield (
        "3-situation-de-tresorerie.csv",
        "D1611-25, 3°",
        csv_file(
            ("Nature", "Nombre", "Entrées", "Sorties", "Solde"),
            (
                ("Solde d’ouverture", "", "", "", decimal(cash.opening_cents)),
                *(
                    (KIND_WORDS[each.kind], str(each.count), decimal(each.amount_cents), "", "")
                    for each in cash.receipts
                ),
                *(
                    (KIND_WORDS[each.kind], str(each.count), "", decimal(each.amount_cents), "")
                    for each in cash.payments
                ),
                ("Solde de clôture", "", "", "", decimal(cash.closing_cents)),
            ),
        ),
    )
    yield (
        "4-creances-impayees.csv",
        "D1611-25, 4°",
        csv_file(
            ("Débiteur", "Libellé", "Nature", "Montant dû"),
            (
                (
                    str(each.account_id),
                    _label(labels, each.account_id, each.kind),
                    "Appel de fonds à recevoir" if each.kind == "envelope" else "Trop-perçu",
                    decimal(each.cents),
                )
                for each in accounts.claims
            ),
        ),
    )
    yield (
        "5-operations-par-nature.csv",
        "D1611-25, al. 2",
        csv_file(
            ("Nature", "Nombre", "Montant"),
            (
                (KIND_WORDS[each.kind], str(each.count), decimal(each.amount_cents))
                for each in accounts.operations
            ),
        ),
    )


def _summary(
    accounts: Rendering,
    filed: Sequence[FiledFile],
    by: Mandatary,
    zone: ZoneInfo,
    chart: Chart,
    documents: Sequence[Document],
    ended: bool,
) -> bytes:
    cash = accounts.cash
    return print_pdf(
        "rendering.html",
        title="Reddition des comptes",
        scheme_name=by.scheme_name,
        subject=f"{by.name}, mandataire de {by.principal}",
        by=by,
        since=day(accounts.of.since, zone),
        until=f"{last_day(accounts.of, zone):%d/%m/%Y}",
        ended=ended,
        envelopes=[str(each) for each in accounts.of.envelopes],
        opening=amount(cash.opening_cents),
        receipts=_natures(cash.receipts),
        payments=_natures(cash.payments),
        closing=amount(cash.closing_cents),
        spent=amount(accounts.spent_cents),
        claims=amount(sum(each.cents for each in accounts.claims)),
        documents=len(documents),
        balance=[
            {
                "number": chart.account(each.kind).number,
                "name": chart.account(each.kind).name,
                "debited": amount(each.debited),
                "credited": amount(each.credited),
                "debit": amount(each.closing_debit),
                "credit": amount(each.closing_credit),
            }
            for each in _by_number(accounts, chart)
        ],
        filed=filed,
    )


def _by_number(accounts: Rendering, chart: Chart) -> list[Balance]:
    return sorted(accounts.trial_balance, key=lambda each: chart.account(each.kind).number)


def _natures(natures: Iterable[Any]) -> list[dict[str, Any]]:
    return [
        {"words": KIND_WORDS[each.kind], "count": each.count, "amount": amount(each.amount_cents)}
        for each in natures
    ]


def _label(labels: Labels | None, account_id: Any, kind: str) -> str:
    named = None if labels is None else labels(account_id, kind)
    return inert(named or ACCOUNT_WORDS[kind])


def _file(archive: ZipFile, name: str, asked_by: str, chunks: Iterable[bytes]) -> FiledFile:
    digest = hashlib.sha256()
    entry = ZipInfo(name, _A_DAY)
    entry.compress_type = ZIP_DEFLATED
    with archive.open(entry, "w", force_zip64=True) as out:
        for chunk in chunks:
            digest.update(chunk)
            out.write(chunk)
    return FiledFile(name, asked_by, digest.hexdigest())
