"""A statement as a file: JSON for programs, CSV for a bookkeeper, PDF for whoever files it.

The CSV is what a French spreadsheet opens without a question: semicolons, decimal comma, UTF-8 with its
byte order mark, JJ/MM/AAAA in the scheme's zone, CR LF.
"""

import csv
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from io import StringIO
from itertools import islice
from zoneinfo import ZoneInfo

from ledger.statements.paper import print_pdf
from ledger.statements.reasons import StatementTooLong
from ledger.statements.statement import Line, Statement
from ledger.statements.words import (
    ACCOUNT_WORDS,
    KIND_WORDS,
    amount,
    day,
    decimal,
    minute,
)

BYTE_ORDER_MARK = "\ufeff"
MOST_PDF_LINES = 2_000
"""About a hundred pages, half a minute; beyond, nobody reads and everybody waits."""

_COLUMNS = (
    "Date",
    "Date de l’opération",
    "Enregistré le",
    "Nature",
    "Entrée",
    "Sortie",
    "Solde",
    "Référence",
    "Écriture",
    "Contrepartie",
)


def as_json(statement: Statement) -> Iterator[str]:
    """Yield the statement as one JSON object, piece by piece. Amounts are integers in `unit`."""
    head = {
        "account": str(statement.account_id),
        "account_kind": statement.account_kind,
        "asset": statement.asset,
        "unit": "cents" if statement.asset == "EUR" else "tickets",
        "clock": statement.clock,
        "from": _iso(statement.since),
        "to": _iso(statement.before),
        "known_before": _iso(statement.known_before),
        "opening": statement.opening,
    }
    yield json.dumps(head)[:-1] + ', "lines": ['
    closing, separator = statement.opening, ""
    for line in statement.lines:
        yield separator + json.dumps(_line_as_json(line))
        closing, separator = line.balance, ", "
    yield f'], "closing": {closing}}}'


def as_csv(statement: Statement, zone: ZoneInfo) -> Iterator[str]:
    """Yield the statement as CSV, row by row, the byte order mark first (to be encoded as UTF-8)."""
    yield BYTE_ORDER_MARK + csv_row(_COLUMNS)
    asset = statement.asset
    since = "" if statement.since is None else day(statement.since, zone)
    yield csv_row(
        (since, "", "", "Solde d’ouverture", "", "", decimal(statement.opening, asset), "", "", "")
    )
    closing = statement.opening
    for line in statement.lines:
        yield csv_row(_line_as_row(line, asset, zone))
        closing = line.balance
    yield csv_row(
        (
            *(day(statement.before, zone), "", "", "Solde de clôture", "", ""),
            *(decimal(closing, asset), "", "", ""),
        )
    )


def as_pdf(statement: Statement, zone: ZoneInfo, *, scheme_name: str, title: str = "") -> bytes:
    """Return the statement as PDF/A-3b. title: what the account is to the reader ("Région, Manuels
    2026"); its kind and id otherwise. Raises `StatementTooLong` above `MOST_PDF_LINES`.
    """
    lines = list(islice(statement.lines, MOST_PDF_LINES + 1))
    statement.lines.close()
    if len(lines) > MOST_PDF_LINES:
        raise StatementTooLong(most=MOST_PDF_LINES)
    asset = statement.asset
    return print_pdf(
        "statement.html",
        title="Relevé de compte",
        scheme_name=scheme_name,
        subject=title or ACCOUNT_WORDS[statement.account_kind],
        statement=statement,
        since=None if statement.since is None else day(statement.since, zone),
        before=minute(statement.before, zone),
        known=None if statement.known_before is None else minute(statement.known_before, zone),
        opening=amount(statement.opening, asset),
        came_in=amount(sum(line.came_in for line in lines), asset),
        went_out=amount(sum(line.went_out for line in lines), asset),
        closing=amount(lines[-1].balance if lines else statement.opening, asset),
        rows=[
            {
                "counts": day(line.counts_at, zone),
                "own": day(line.own_date, zone) if line.happened_at else "",
                "recorded": day(line.recorded_at, zone),
                "kind": KIND_WORDS[line.kind],
                "reference": str(line.correlation_id),
                "came_in": amount(line.came_in, asset) if line.came_in else "",
                "went_out": amount(line.went_out, asset) if line.went_out else "",
                "balance": amount(line.balance, asset),
            }
            for line in lines
        ],
    )


def csv_row(values: Iterable[str]) -> str:
    """Return one row as the house writes CSV: semicolons, quotes where needed, CR LF."""
    out = StringIO()
    csv.writer(out, delimiter=";", lineterminator="\r\n").writerow(values)
    return out.getvalue()


def csv_file(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> bytes:
    """Return a whole CSV file: byte order mark, columns, rows."""
    told = csv_row(columns) + "".join(csv_row(row) for row in rows)
    return (BYTE_ORDER_MARK + told).encode()


def _line_as_json(line: Line) -> dict[str, object]:
    return {
        "transfer": str(line.transfer_id),
        "counts_at": _iso(line.counts_at),
        "happened_at": _iso(line.own_date),
        "recorded_at": _iso(line.recorded_at),
        "kind": line.kind,
        "words": KIND_WORDS[line.kind],
        "correlation": str(line.correlation_id),
        "counterpart": str(line.counterpart_id),
        "in": line.came_in,
        "out": line.went_out,
        "balance": line.balance,
    }


def _line_as_row(line: Line, asset: str, zone: ZoneInfo) -> tuple[str, ...]:
    return (
        day(line.counts_at, zone),
        day(line.own_date, zone),
        minute(line.recorded_at, zone),
        KIND_WORDS[line.kind],
        decimal(line.came_in, asset) if line.came_in else "",
        decimal(line.went_out, asset) if line.went_out else "",
        decimal(line.balance, asset),
        str(line.correlation_id),
        str(line.transfer_id),
        str(line.counterpart_id),
    )


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
