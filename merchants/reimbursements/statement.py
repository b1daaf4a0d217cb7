"""A run's sales as a file that a bookkeeper can post."""

import csv
import io
from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

from merchants.reimbursements.runs import StatementRow

COLUMNS = ("virement", "operation", "date", "montant_eur")


def statement_csv(rows: Iterable[StatementRow], zone: ZoneInfo) -> Iterator[str]:
    """Yield the lines of the file: payment, transfer, date and time in `zone`, amount in euros.

    Semicolons and decimal commas, as French spreadsheets expect; a refund is below zero. Holds
    opaque ids only: nobody's name, no account.
    """
    yield _line(COLUMNS)
    for row in rows:
        moment = row.counts_at.astimezone(zone).isoformat(timespec="seconds")
        yield _line((row.end_to_end_id, str(row.transfer_id), moment, _euros(row.amount_cents)))


def _euros(cents: int) -> str:
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100},{abs(cents) % 100:02d}"


def _line(cells: Iterable[str]) -> str:
    written = io.StringIO()
    csv.writer(written, delimiter=";", lineterminator="\r\n").writerow(cells)
    return written.getvalue()
