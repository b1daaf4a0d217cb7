"""The referee: what the tills were told, against the tables as they are. Nothing of the product's reads.

Every question is raw SQL over the rows, and its answer the list of what is wrong: empty, or a fault.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from tests.faults.journal import Account

_DECISIONS = """
    SELECT d.terminal_id, d.key, d.id, d.outcome, d.approved_cents,
           coalesce((SELECT sum(t.amount) FROM ledger.transfer t
                      WHERE t.correlation_id = d.id AND t.kind = 'capture'), 0)
      FROM merchants.decision d
     WHERE d.at >= %s
"""
_CAPTURED = """
    SELECT coalesce(sum(amount), 0) FROM ledger.transfer
     WHERE kind = 'capture' AND recorded_at >= %s
"""
_WITHOUT_DECISION = """
    SELECT t.id FROM ledger.transfer t
     WHERE t.kind = 'capture'
       AND NOT EXISTS (SELECT 1 FROM merchants.decision d
                        WHERE d.id = t.correlation_id AND d.outcome <> 'refused')
"""
_PROOF_USED_TWICE = """
    SELECT token_id, proof_nonce FROM merchants.decision
     WHERE outcome <> 'refused' GROUP BY token_id, proof_nonce HAVING count(*) > 1
"""
_BALANCE_NOT_ITS_SUM = """
    WITH moved AS (
        SELECT account_id, sum(amount) AS total
          FROM (SELECT credit_account_id AS account_id, amount FROM ledger.transfer
                UNION ALL
                SELECT debit_account_id, -amount FROM ledger.transfer) AS both_ends
         GROUP BY account_id)
    SELECT b.account_id, b.balance, moved.total
      FROM ledger.balance b LEFT JOIN moved USING (account_id)
     WHERE b.balance <> coalesce(moved.total, 0)
"""
_NOT_GRANTED_ONCE = """
    SELECT b.id FROM cardsvc.beneficiary b
     WHERE ARRAY['bd=10000=10000', 'lecture=20000=20000', 'manuels=70000=70000'] IS DISTINCT FROM (
        SELECT array_agg(e.line || '=' || e.granted_cents || '=' || granted.total ORDER BY e.line)
          FROM cardsvc.entitlement e
          CROSS JOIN LATERAL (SELECT sum(t.amount) AS total FROM ledger.transfer t
                               WHERE t.credit_account_id = e.account_id AND t.kind = 'grant'
                             ) AS granted
         WHERE e.beneficiary_id = b.id)
"""
_GRANT_OF_NOBODY = """
    SELECT t.id FROM ledger.transfer t
     WHERE t.kind = 'grant'
       AND NOT EXISTS (SELECT 1 FROM cardsvc.entitlement e WHERE e.account_id = t.credit_account_id)
"""
_UNSEALED = """
    SELECT count(*) FROM ledger.transfer t
     WHERE NOT EXISTS (SELECT 1 FROM (SELECT unnest(transfer_ids) AS id FROM ledger.seal_bundle) AS s
                        WHERE s.id = t.id)
"""
_SEALED_WRONG = """
    SELECT id FROM (SELECT unnest(transfer_ids) AS id FROM ledger.seal_bundle) AS sealed
     GROUP BY id
    HAVING count(*) > 1 OR NOT EXISTS (SELECT 1 FROM ledger.transfer t WHERE t.id = sealed.id)
"""


@dataclass(frozen=True)
class Booked:
    """A decision as it stands in the tables. captured_cents: what its transfers add up to."""

    purchase_id: str
    outcome: str
    approved_cents: int
    captured_cents: int


def booked(
    connection: psycopg.Connection[Any], since: datetime
) -> dict[tuple[str, str], list[Booked]]:
    """Return the decisions taken since then, by (terminal, key)."""
    found: dict[tuple[str, str], list[Booked]] = {}
    for terminal, key, number, outcome, approved, captured in connection.execute(
        _DECISIONS, [since]
    ):
        kept = Booked(str(number), outcome, approved, int(captured))
        found.setdefault((str(terminal), key), []).append(kept)
    return found


def lost_sales(account: Account, connection: psycopg.Connection[Any], since: datetime) -> list[str]:
    """Return the keys of the sales that were answered with money and aren't in the books."""
    books = booked(connection, since)
    return [
        told.key
        for told in account.sales.values()
        if any(answer["approved_cents"] for answer in told.answers)
        and (told.terminal_id, told.key) not in books
    ]


def check_sales(account: Account, connection: psycopg.Connection[Any], since: datetime) -> None:
    """Every answer is in the books once and as it was told; nothing else is, since the tills opened."""
    assert not account.unanswered()
    books = booked(connection, since)
    asked = {(told.terminal_id, told.key): told for told in account.sales.values()}
    assert not books.keys() - asked.keys(), "decisions that no till asked for"
    wrong = {}
    for where, told in asked.items():
        rows = books.get(where, [])
        if (
            len(rows) != 1
            or not all(_agree(rows[0], answer) for answer in told.answers)
            or rows[0].captured_cents != rows[0].approved_cents
            or rows[0].approved_cents > told.amount_cents
        ):
            wrong[told.key] = (told.answers, rows)
    assert not wrong, f"{len(wrong)} of {len(asked)}: {list(wrong.items())[:3]}"
    answered_cents = sum(told.answers[0]["approved_cents"] for told in asked.values())
    assert connection.execute(_CAPTURED, [since]).fetchone() == (answered_cents,)
    for question in (_WITHOUT_DECISION, _PROOF_USED_TWICE):
        assert connection.execute(question).fetchall() == []


def check_balances(connection: psycopg.Connection[Any]) -> None:
    """Every kept balance is the sum of its transfers."""
    assert connection.execute(_BALANCE_NOT_ITS_SUM).fetchall() == []


def check_grants(people: set[UUID], connection: psycopg.Connection[Any]) -> None:
    """Everybody who was said to be registered is, and was granted each line exactly once."""
    known = {row[0] for row in connection.execute("SELECT id FROM cardsvc.beneficiary")}
    assert not people - known
    assert connection.execute(_NOT_GRANTED_ONCE).fetchall() == []
    assert connection.execute(_GRANT_OF_NOBODY).fetchall() == []
    ended = connection.execute(
        "SELECT state, count(*) FROM platform.job GROUP BY state ORDER BY state"
    ).fetchall()
    assert [state for state, _ in ended] == ["done"], ended


def unsealed(connection: psycopg.Connection[Any]) -> int:
    """Return how many transfers the seal doesn't hold yet."""
    (count,) = connection.execute(_UNSEALED).fetchall()[0]
    return int(count)


def check_seal(connection: psycopg.Connection[Any]) -> None:
    """The seal holds every transfer once, and nothing else."""
    assert unsealed(connection) == 0
    assert connection.execute(_SEALED_WRONG).fetchall() == []


def _agree(kept: Booked, answer: dict[str, Any]) -> bool:
    return (kept.purchase_id, kept.outcome, kept.approved_cents) == (
        answer["purchase_id"],
        answer["outcome"],
        answer["approved_cents"],
    )
