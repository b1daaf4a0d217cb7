"""A call for funds as files: JSON, CSV, and the PDF that is sent to the funder."""

from typing import Any
from zoneinfo import ZoneInfo

from ledger.accounting.calls import Call
from ledger.statements.files import csv_file
from ledger.statements.paper import print_pdf
from ledger.statements.words import amount, day, decimal


def as_json(call: Call) -> dict[str, Any]:
    """Return the call as plain values, amounts in integer cents."""
    return {
        "id": str(call.id),
        "envelope": str(call.envelope_id),
        "paying_envelope": str(call.paying_envelope_id),
        "counted_before": call.counted_before.isoformat(),
        "borne_cents": call.borne_cents,
        "called_before_cents": call.before_cents,
        "called_cents": call.called_cents,
        "currency": "EUR",
        "recorded_at": call.recorded_at.isoformat(),
    }


def as_csv(call: Call, *, zone: ZoneInfo) -> bytes:
    """Return the call as one row."""
    return csv_file(
        (
            *("Appel", "Enveloppe appelée", "Enveloppe payeuse", "Dépenses comptées avant le"),
            *("Part supportée", "Déjà appelé", "Appelé", "Émis le"),
        ),
        [
            (
                str(call.id),
                str(call.envelope_id),
                str(call.paying_envelope_id),
                day(call.counted_before, zone),
                decimal(call.borne_cents),
                decimal(call.before_cents),
                decimal(call.called_cents),
                day(call.recorded_at, zone),
            )
        ],
    )


def as_pdf(
    call: Call, *, zone: ZoneInfo, scheme_name: str, funder: str = "", payer: str = ""
) -> bytes:
    """Return the call to send. funder: who is asked; payer: who paid, and asks."""
    return print_pdf(
        "call.html",
        title="Appel de fonds",
        scheme_name=scheme_name,
        subject=f"À l’attention de {funder}" if funder else "Cofinancement",
        call=call,
        payer=payer,
        counted_before=day(call.counted_before, zone),
        recorded=day(call.recorded_at, zone),
        borne=amount(call.borne_cents),
        before=amount(call.before_cents),
        called=amount(call.called_cents),
    )
