"""A liquidation statement as files: JSON for a finance system, CSV of its operations, PDF to sign."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from ledger.accounting.documents import Document
from ledger.accounting.fec import Labels, last_day
from ledger.accounting.liquidation import Due, Liquidation
from ledger.statements.files import csv_file
from ledger.statements.paper import print_pdf
from ledger.statements.words import ACCOUNT_WORDS, KIND_WORDS, amount, day, decimal, inert


def as_json(statement: Liquidation, *, documents: Sequence[Document] = ()) -> dict[str, Any]:
    """Return the statement as plain values, amounts in integer cents."""
    return {
        "envelopes": [str(each) for each in statement.of.envelopes],
        "from": statement.of.since.isoformat(),
        "to": statement.of.before.isoformat(),
        "final": statement.final,
        "currency": "EUR",
        "captured_cents": statement.captured_cents,
        "given_back_cents": statement.given_back_cents,
        "carried_cents": statement.carried_cents,
        "to_pay_cents": statement.to_pay_cents,
        "to_recover_cents": statement.to_recover_cents,
        "payees": [
            {
                "payable": str(due.payable_id),
                "carried_cents": due.carried_cents,
                "captured_cents": due.captured_cents,
                "given_back_cents": due.given_back_cents,
                "to_pay_cents": due.to_pay_cents,
                "to_recover_cents": due.to_recover_cents,
                "operations": [
                    {
                        "transfer": str(each.transfer_id),
                        "kind": each.kind,
                        "correlation": str(each.correlation_id),
                        "counts_at": each.counts_at.isoformat(),
                        "happened_at": each.happened_at.isoformat(),
                        "cents": each.cents,
                    }
                    for each in due.operations
                ],
            }
            for due in statement.dues
        ],
        "documents": [
            {"name": each.file_name, "nature": each.nature, "sha256": each.sha256}
            for each in documents
        ],
    }


def as_csv(statement: Liquidation, *, zone: ZoneInfo, labels: Labels | None = None) -> bytes:
    """Return one row for each operation, and one for what each payee owed from before."""
    rows = []
    for due in statement.dues:
        name = _label(due, labels)
        if due.carried_cents:
            since = day(statement.of.since, zone)
            carried = decimal(due.carried_cents)
            rows.append((str(due.payable_id), name, since, since, "Report", carried, "", ""))
        rows += [
            (
                str(due.payable_id),
                name,
                day(each.counts_at, zone),
                day(each.happened_at, zone),
                KIND_WORDS[each.kind],
                decimal(each.cents),
                str(each.correlation_id),
                str(each.transfer_id),
            )
            for each in due.operations
        ]
    return csv_file(
        (
            *("Compte du créancier", "Créancier", "Date", "Date de l’opération"),
            *("Nature", "Montant", "Référence", "Écriture"),
        ),
        rows,
    )


def as_pdf(
    statement: Liquidation,
    *,
    zone: ZoneInfo,
    scheme_name: str,
    authority: str,
    heading: str = "",
    documents: Sequence[Document] = (),
    labels: Labels | None = None,
) -> bytes:
    """Return the statement to sign, one line a payee. authority: who orders the payment (ordonnateur);
    heading: the heading of annexe I of D1617-19 that the accountant agreed on, where it is known.
    """
    return print_pdf(
        "liquidation.html",
        title="État liquidatif",
        scheme_name=scheme_name,
        subject=authority,
        since=day(statement.of.since, zone),
        until=f"{last_day(statement.of, zone):%d/%m/%Y}",
        final=statement.final,
        heading=heading,
        envelopes=[str(each) for each in statement.of.envelopes],
        to_pay=amount(statement.to_pay_cents),
        to_recover=amount(statement.to_recover_cents),
        operations=sum(len(due.operations) for due in statement.dues),
        payees=[
            {
                "name": _label(due, labels),
                "id": str(due.payable_id),
                "count": len(due.operations),
                "carried": amount(due.carried_cents) if due.carried_cents else "",
                "captured": amount(due.captured_cents),
                "given_back": amount(due.given_back_cents),
                "to_pay": amount(due.to_pay_cents),
            }
            for due in statement.dues
        ],
        captured=amount(statement.captured_cents),
        given_back=amount(statement.given_back_cents),
        carried=amount(statement.carried_cents),
        documents=documents,
    )


def _label(due: Due, labels: Labels | None) -> str:
    named = None if labels is None else labels(due.payable_id, "payable")
    return inert(named or ACCOUNT_WORDS["payable"])
