"""Rows `settling…`: a million captures of 5,000 payees brought to payment ÷ a bare GROUP BY over them.

`settling` is what the payments need: totals, remittances and the postings that empty the payables, by
the draft's own statement without its lines. `settling_lines` is all that a run does: `draft_run`, which
also writes a line for each capture, and `approve_run`, which holds those lines against the ledger, makes
the bank file once and posts.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from bench.installation import Installation
from bench.past import fill
from bench.results import Result
from bench.turns import Turns, in_turns
from cardsvc.programmes.envelopes import Address, add_funder, fund_envelope
from ledger.transfers import NewTransfer, post
from merchants.reimbursements.approve import approve_run
from merchants.reimbursements.draft import CLAIM_TOTALS, claim_values, draft_run
from merchants.reimbursements.payers import find_payer
from sesame.platform.database import unit_of_work
from sesame.platform.identity import create_identity
from sesame.platform.ids import uuid7
from sesame.platform.scheme import create_scheme

CAPTURES, PAYEES = 1_000_000, 5_000
ENTITLEMENTS = 50_000
_GROUP_BY = """
    SELECT credit_account_id, sum(amount), count(*) FROM ledger.transfer
     WHERE kind = 'capture' AND counts_at < %s GROUP BY credit_account_id
"""
_PAYEES = """
    INSERT INTO merchants.merchant (id, siren, name, state, created_at)
    SELECT uuidv7(), lpad(n::text, 9, '0'), 'Librairie ' || n, 'open', %(at)s
      FROM generate_series(1, %(payees)s) n;
    INSERT INTO merchants.payee (id, merchant_id, holder, iban, bic, street, postal_code, town, country,
                                 created_at)
    SELECT uuidv7(), id, name, 'FR7630006000011234567890189', 'AGRIFRPP', 'rue du Pont', '69001',
           'Lyon', 'FR', %(at)s FROM merchants.merchant;
    INSERT INTO ledger.account (id, asset, kind, guarded, floor, created_at)
    SELECT id, 'EUR', 'payable', false, 0, %(at)s FROM merchants.payee;
    INSERT INTO merchants.payable_account (payee_id, paying_envelope_id, account_id, opened_at)
    SELECT p.id, e.id, p.id, %(at)s FROM merchants.payee p, cardsvc.envelope e;
    INSERT INTO ledger.account (id, asset, kind, guarded, floor, created_at)
    SELECT uuidv7(), 'EUR', 'entitlement', true, 0, %(at)s
      FROM generate_series(1, %(entitlements)s) n;
"""


@dataclass(frozen=True)
class _Place:
    """Who prepares, who approves, and what is owed to whom."""

    here: Installation
    officer: UUID
    accountant: UUID
    cutoff_at: datetime
    cents: int


def settling(here: Installation, captures: int = CAPTURES, payees: int = PAYEES) -> list[Result]:
    """Settle the same captures in every round: each ends with a rollback, after its postings."""
    place = _fill(here, captures, payees)
    with psycopg.connect(here.server.url("postgres"), autocommit=True) as connection:

        def bare() -> float:
            begin = time.perf_counter()
            rows = connection.execute(_GROUP_BY, [place.cutoff_at]).fetchall()
            took = time.perf_counter() - begin
            if len(rows) != payees or sum(int(row[1]) for row in rows) != place.cents:
                raise RuntimeError("the reference doesn't see the captures")
            return took

        bare()
        turns = in_turns(
            {
                "settling": lambda: _timed(place, connection, captures, payees, _totals),
                "settling_lines": lambda: _timed(place, connection, captures, payees, _run),
            },
            bare,
        )
    notes = {
        "settling": "totals, remittances and postings",
        "settling_lines": "draft and approval of a run, with a line for each capture, its control "
        "against the ledger and the bank file made",
    }
    return [_row(turns[name], name, notes[name], captures, payees) for name in turns]


def _row(turns: Turns, name: str, note: str, captures: int, payees: int) -> Result:
    return turns.row(
        name, "seconds (less is better)",
        f"{captures:,} captures of {payees:,} payees: {note}; reference: GROUP BY",
    )  # fmt: skip


def _timed(
    place: _Place,
    connection: psycopg.Connection,
    captures: int,
    payees: int,
    settle: Callable[[_Place, Session, datetime], int],
) -> float:
    """Return the seconds that `settle` takes; the transaction is looked at, then rolled back."""
    connection.execute("VACUUM merchants.run_line, merchants.remittance, ledger.transfer")
    connection.execute("CHECKPOINT")
    at = datetime.now(UTC)
    with Session(place.here.database.engine) as session:
        begin = time.perf_counter()
        lines = settle(place, session, at)
        took = time.perf_counter() - begin
        found = session.execute(
            text(
                "SELECT (SELECT count(*) FROM merchants.remittance),"
                " (SELECT sum(amount_cents) FROM merchants.remittance),"
                " (SELECT count(*) FROM merchants.run_line),"
                " (SELECT sum(amount) FROM ledger.transfer WHERE kind = 'remit')"
            )
        ).one()
        session.rollback()
    expected = (payees, place.cents, captures if lines else 0, place.cents)
    if tuple(map(int, found)) != expected:
        raise RuntimeError(f"settled {tuple(found)}, not {expected}")
    return took


def _totals(place: _Place, session: Session, at: datetime) -> int:
    payer = find_payer(session, "region")
    values = claim_values(session, payer, place.cutoff_at, by=place.officer, at=at)
    session.execute(CLAIM_TOTALS, values)
    transit = session.scalar(text("SELECT account_id FROM merchants.transit_account"))
    paid = session.execute(
        text(
            "SELECT r.id, p.account_id, r.amount_cents FROM merchants.remittance r"
            " JOIN merchants.payable_account p ON p.payee_id = r.payee_id"
        )
    )
    remits = [
        NewTransfer(uuid7(at), account, transit, int(cents), "remit", remittance, at)
        for remittance, account, cents in paid
    ]
    post(session, remits, at=at)
    return 0


def _run(place: _Place, session: Session, at: datetime) -> int:
    run_id = draft_run(
        session, paying_funder="region", cutoff_at=place.cutoff_at, by=place.officer, at=at
    )
    return approve_run(session, run_id, by=place.accountant, at=at).line_count


def _fill(here: Installation, captures: int, payees: int) -> _Place:
    at = datetime.now(UTC)
    with unit_of_work(here.database) as session:
        create_scheme(
            session, name="Banc d'essai", issuer="FR-BE", zone="Europe/Paris",
            kind="demonstration", at=at,
        )  # fmt: skip
        add_funder(
            session, code="region", name="Région du banc d'essai", siren="000400010",
            iban="FR7630001007941234567890185", bic="BDFEFRPP",
            address=Address("1 place de l'Ambre", "63200", "Riom"), at=at,
        )  # fmt: skip
        fund_envelope(
            session, funder="region", programme="livres", amount_cents=1, key="fund-000001", at=at
        )
        officer, accountant = (
            create_identity(session, role=role, display_name=role, at=at)
            for role in ("officer", "accountant")
        )
    with psycopg.connect(here.server.url("postgres"), autocommit=True) as connection:
        connection.execute("UPDATE cardsvc.envelope SET regime = 'mandate', paying = true")
        names = {"at": at, "payees": payees, "entitlements": ENTITLEMENTS}
        for statement in _PAYEES.split(";")[:-1]:
            connection.execute(statement, names if "%(" in statement else None)
        debits, credits = (
            [
                row[0]
                for row in connection.execute(
                    "SELECT id FROM ledger.account WHERE kind = %s", [kind]
                )
            ]
            for kind in ("entitlement", "payable")
        )
        fill(
            here,
            captures,
            debits,
            credits,
            (at - timedelta(days=30), at - timedelta(hours=1)),
            keys=False,
        )
        row = connection.execute(
            "SELECT sum(amount) FROM ledger.transfer WHERE kind = 'capture'"
        ).fetchone()
    return _Place(here, officer, accountant, at, int(row[0]))
