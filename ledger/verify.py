"""The invariants, checked against the rows: what `sesame ledger verify` prints."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

_CHECKS = {
    "transfers between accounts that exist": """
        SELECT t.id::text FROM ledger.transfer t
          LEFT JOIN ledger.account d ON d.id = t.debit_account_id
          LEFT JOIN ledger.account c ON c.id = t.credit_account_id
         WHERE d.id IS NULL OR c.id IS NULL""",
    "one asset in each transfer": """
        SELECT t.id::text FROM ledger.transfer t
          JOIN ledger.account d ON d.id = t.debit_account_id
          JOIN ledger.account c ON c.id = t.credit_account_id
         WHERE d.asset <> c.asset""",
    "a kept balance for each guarded account, and for no other": """
        SELECT a.id::text FROM ledger.account a LEFT JOIN ledger.balance b ON b.account_id = a.id
         WHERE a.guarded <> (b.account_id IS NOT NULL)""",
    "every kept balance equals the sum of its transfers": """
        SELECT b.account_id::text
          FROM ledger.balance b
          LEFT JOIN (
            SELECT account_id, sum(delta) AS total FROM (
                SELECT credit_account_id AS account_id, amount AS delta FROM ledger.transfer
                UNION ALL
                SELECT debit_account_id, -amount FROM ledger.transfer
            ) legs GROUP BY account_id
          ) s ON s.account_id = b.account_id
         WHERE b.balance <> coalesce(s.total, 0)""",
    "no guarded account below zero": """
        SELECT account_id::text FROM ledger.balance WHERE balance < 0""",
    "every grant bears its funders' frozen shares": """
        SELECT t.id::text FROM ledger.transfer t
          JOIN ledger.account c ON c.id = t.credit_account_id
         WHERE t.kind = 'grant' AND NOT EXISTS (
            SELECT 1 FROM ledger.share s
             WHERE s.share_plan_id = c.share_plan_id AND s.envelope_id = t.debit_account_id)""",
}
_TOTALS = """
    SELECT (SELECT count(*) FROM ledger.transfer) AS transfers,
           (SELECT count(*) FROM ledger.account) AS accounts"""


@dataclass(frozen=True)
class Finding:
    """One invariant: how many rows break it, and the ids of the first ten."""

    invariant: str
    broken: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Verification:
    """What was checked and what was found."""

    transfers: int
    accounts: int
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        """Whether every invariant holds."""
        return not any(finding.broken for finding in self.findings)


def verify(session: Session) -> Verification:
    """Check every invariant on all rows, in one snapshot, and return the findings."""
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    findings = []
    for invariant, query in _CHECKS.items():
        broken = [row[0] for row in session.execute(text(query))]
        findings.append(Finding(invariant, len(broken), tuple(broken[:10])))
    transfers, accounts = session.execute(text(_TOTALS)).one()
    return Verification(transfers, accounts, tuple(findings))
