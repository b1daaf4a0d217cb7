"""The invariants, checked against the rows: what `sesame ledger verify` prints."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from ledger.seal_check import check_seal

INVARIANTS = {
    "transfers between accounts that exist": """
        SELECT t.id::text FROM ledger.every_transfer t
          LEFT JOIN ledger.account d ON d.id = t.debit_account_id
          LEFT JOIN ledger.account c ON c.id = t.credit_account_id
         WHERE d.id IS NULL OR c.id IS NULL""",
    "one asset in each transfer": """
        SELECT t.id::text FROM ledger.every_transfer t
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
                SELECT credit_account_id AS account_id, amount AS delta FROM ledger.every_transfer
                UNION ALL
                SELECT debit_account_id, -amount FROM ledger.every_transfer
            ) legs GROUP BY account_id
          ) s ON s.account_id = b.account_id
         WHERE b.balance <> coalesce(s.total, 0)""",
    "no guarded account below its floor": """
        SELECT account_id::text FROM ledger.balance WHERE balance < floor""",
    "what is held equals what the open holds keep": """
        SELECT b.account_id::text FROM ledger.balance b
          LEFT JOIN (SELECT account_id, sum(amount - captured) AS kept FROM ledger.hold
                      WHERE state = 'open' GROUP BY account_id) h ON h.account_id = b.account_id
         WHERE b.held <> coalesce(h.kept, 0)""",
    "every hold's captures are transfers": """
        SELECT h.id::text FROM ledger.hold h
          LEFT JOIN (SELECT hold_id, sum(amount) AS taken FROM ledger.every_transfer
                      WHERE hold_id IS NOT NULL GROUP BY hold_id) t ON t.hold_id = h.id
         WHERE h.captured <> coalesce(t.taken, 0)""",
    "each transfer goes the way of its kind": """
        SELECT t.id::text FROM ledger.every_transfer t
          JOIN ledger.account d ON d.id = t.debit_account_id
          JOIN ledger.account c ON c.id = t.credit_account_id
         WHERE NOT ledger.may_go(t.kind, d.kind, c.kind)""",
    "nothing is taken back that was not moved": """
        SELECT t.id::text FROM ledger.every_transfer t
          LEFT JOIN ledger.every_transfer m ON m.id = t.corrects_id
         WHERE (t.corrects_id IS NULL) <> (t.kind NOT IN
               ('correction', 'withdrawal', 'regrant', 'cancellation', 'refund', 'return'))
            OR (t.corrects_id IS NOT NULL AND m.id IS NULL)""",
    "no transfer is taken back beyond its amount": """
        SELECT m.id::text
          FROM (SELECT corrects_id, sum(amount) AS taken_back FROM ledger.every_transfer
                 WHERE kind IN ('correction', 'return')
                    OR (kind IN ('cancellation', 'refund') AND debit_account_id IN
                        (SELECT id FROM ledger.account WHERE kind IN ('payable', 'used')))
                 GROUP BY corrects_id) t
          JOIN ledger.every_transfer m ON m.id = t.corrects_id
          LEFT JOIN ledger.corrected c ON c.transfer_id = m.id
         WHERE t.taken_back > m.amount OR t.taken_back > coalesce(c.corrected, 0)""",
    "every funder has contributed its frozen share": """
        WITH moved AS (
            SELECT credit_account_id AS account_id, debit_account_id AS envelope_id, amount
              FROM ledger.every_transfer WHERE kind IN ('grant', 'regrant')
            UNION ALL
            SELECT debit_account_id, credit_account_id, -amount
              FROM ledger.every_transfer WHERE kind IN ('expiry', 'withdrawal', 'release')
            UNION ALL
            SELECT t.credit_account_id, t.debit_account_id, t.amount
              FROM ledger.every_transfer t JOIN ledger.account e ON e.id = t.debit_account_id
             WHERE t.kind IN ('refund', 'cancellation') AND e.kind = 'envelope'
            UNION ALL
            SELECT m.debit_account_id, t.credit_account_id, -t.amount
              FROM ledger.every_transfer t JOIN ledger.account e ON e.id = t.credit_account_id
              JOIN ledger.every_transfer m ON m.id = t.corrects_id
             WHERE t.kind IN ('refund', 'cancellation') AND e.kind = 'envelope'
        ), net AS (
            SELECT m.account_id, a.share_plan_id, m.envelope_id, sum(m.amount)::bigint AS amount
              FROM moved m JOIN ledger.account a ON a.id = m.account_id
             WHERE a.asset = 'EUR' GROUP BY 1, 2, 3
        ), whole AS (
            SELECT account_id, share_plan_id, sum(amount)::bigint AS amount FROM net GROUP BY 1, 2
        ), part AS (
            SELECT d.share_plan_id, d.amount AS whole, p.envelope_id, p.amount
              FROM (SELECT DISTINCT share_plan_id, amount FROM whole) d
             CROSS JOIN LATERAL ledger.parts(d.share_plan_id, d.amount) p
        )
        SELECT coalesce(n.account_id, w.account_id)::text
          FROM whole w
          JOIN part p ON p.share_plan_id = w.share_plan_id AND p.whole = w.amount
          FULL JOIN net n ON n.account_id = w.account_id AND n.envelope_id = p.envelope_id
         WHERE coalesce(n.amount, 0) <> coalesce(p.amount, 0)""",
    "every ticket is backed by its face value": """
        SELECT a.id::text FROM ledger.account a
          JOIN ledger.balance t ON t.account_id = a.id
          LEFT JOIN ledger.account b ON b.backs_id = a.id
          LEFT JOIN ledger.balance e ON e.account_id = b.id
         WHERE a.unit_cents IS NOT NULL AND t.balance * a.unit_cents <> coalesce(e.balance, 0)""",
    "nothing was counted in a closed period": """
        SELECT t.id::text FROM ledger.every_transfer t JOIN ledger.closing c
            ON t.counts_at < c.closed_before AND t.recorded_at > c.recorded_at + interval '1 minute'""",
    "every balance kept at a closing equals the sum of what counts before it": """
        SELECT k.account_id::text FROM ledger.balance_checkpoint k
         WHERE k.balance <> (
            SELECT coalesce(sum(CASE WHEN t.credit_account_id = k.account_id THEN t.amount
                                     ELSE -t.amount END), 0)
              FROM ledger.every_transfer t
             WHERE k.account_id IN (t.credit_account_id, t.debit_account_id)
               AND t.counts_at < k.counts_before)""",
}
"""Each selects the ids of what breaks it. A posting under way while a period was closed may carry a
moment just after the closing's own: a minute is far more than it waits."""

_TOTALS = """
    SELECT (SELECT count(*) FROM ledger.every_transfer) AS transfers,
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


def verify(session: Session, archives: Sequence[Path] = ()) -> Verification:
    """Check every invariant on all rows, and the seal, in one snapshot; return the findings.

    archives: exports of what was detached from the book, where the seal looks for it.
    """
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    findings = []
    for invariant, query in INVARIANTS.items():
        broken = [row[0] for row in session.execute(text(query))]
        findings.append(Finding(invariant, len(broken), tuple(broken[:10])))
    for invariant, ids in check_seal(session, archives).items():
        findings.append(Finding(invariant, len(ids), tuple(ids[:10])))
    transfers, accounts = session.execute(text(_TOTALS)).one()
    return Verification(transfers, accounts, tuple(findings))
