"""The three sums that must agree to the cent, each from another place: the answers that the client
kept, SQL of ours over the transfers, the bank files read by lxml.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from lxml import etree

_BY_KIND = "SELECT kind, count(*), coalesce(sum(amount), 0) FROM ledger.transfer GROUP BY kind"
_LEFT_OWED = """
    SELECT coalesce(sum(CASE WHEN a.id = t.credit_account_id THEN t.amount ELSE -t.amount END), 0)
      FROM ledger.account a
      JOIN ledger.transfer t ON a.id IN (t.credit_account_id, t.debit_account_id)
     WHERE a.kind = 'payable'"""
_DECISIONS = "SELECT count(*) FROM merchants.decision"


@dataclass(frozen=True)
class Reckoning:
    """The euros at each step, in cents."""

    funded: int
    granted: int
    answered: int
    captured: int
    remitted: int
    left_owed: int
    in_bank_files: int
    bank_file_totals: int
    purchases: int
    decisions: int
    payments: int

    def failures(self) -> list[str]:
        """Return what doesn't agree, as sentences; empty when the money adds up."""
        wrong = []
        for name, cents in (
            ("SQL over the captures", self.captured),
            ("SQL over the remittances, with what is still owed", self.remitted + self.left_owed),
            ("the payments in the bank files", self.in_bank_files),
            ("the control sums of the bank files", self.bank_file_totals),
        ):
            if cents != self.answered:
                wrong.append(f"{name}: {cents} cents, but the answers say {self.answered}")
        if self.decisions != self.purchases:
            wrong.append(f"{self.decisions} decisions for {self.purchases} purchases asked for")
        if self.answered == 0:
            wrong.append("nothing was sold: nothing is proved")
        if self.granted > self.funded or self.captured > self.granted:
            wrong.append("more was granted than funded, or spent than granted")
        return wrong


def reckon(
    answers: Iterable[dict[str, Any]], database_url: str, bank_files: Iterable[Path]
) -> Reckoning:
    """Return the euros at each step. database_url: of the role that only reads."""
    kept = list(answers)
    with psycopg.connect(database_url) as connection:
        moved = {kind: int(total) for kind, _, total in connection.execute(_BY_KIND)}
        left_owed = _one(connection, _LEFT_OWED)
        decisions = _one(connection, _DECISIONS)
    paid, totals, payments = 0, 0, 0
    for file in bank_files:
        root = etree.parse(file, etree.XMLParser(resolve_entities=False, no_network=True)).getroot()
        amounts = _texts(root, ".//x:CdtTrfTxInf/x:Amt/x:InstdAmt[@Ccy='EUR']")
        paid += sum(map(_cents, amounts))
        payments += len(amounts)
        totals += sum(map(_cents, _texts(root, ".//x:GrpHdr/x:CtrlSum")))
    return Reckoning(
        funded=moved.get("fund", 0),
        granted=moved.get("grant", 0),
        answered=sum(answer["approved_cents"] for answer in kept),
        captured=moved.get("capture", 0),
        remitted=moved.get("remit", 0),
        left_owed=left_owed,
        in_bank_files=paid,
        bank_file_totals=totals,
        purchases=len(kept),
        decisions=decisions,
        payments=payments,
    )


def _one(connection: psycopg.Connection[Any], statement: LiteralString) -> int:
    (value,) = connection.execute(statement).fetchone() or (0,)
    return int(value)


def _texts(root: etree._Element, path: str) -> list[str]:
    namespace = etree.QName(root).namespace or ""
    return [element.text or "" for element in root.iterfind(path, {"x": namespace})]


def _cents(text: str) -> int:
    euros, _, cents = text.partition(".")
    return int(euros) * 100 + int(cents.ljust(2, "0"))
