"""One purchase: verify what was shown, then decide and write with the others that came meanwhile.

A round reads, decides and writes (see `rounds`). When another purchase of the same card got through
between its reading and its writing, nothing is written and the purchase starts over, from what is true
by then. After a few such turns, or when another process has the card's row, it goes on alone: its own
transaction takes the row before it reads. Each turn means that another purchase got through, so they
end.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from cardsvc.cards.issuer import issuer_keys
from cardsvc.credential.qr import decode_presentation
from cardsvc.credential.refusals import CredentialRefused, RefusalCode
from cardsvc.credential.token import read_token_id
from cardsvc.credential.verify import TokenMemory, verify_presentation
from cardsvc.programmes.plans import plans_for
from merchants.directory.payables import payable_account
from merchants.purchases.reasons import PurchaseBusy
from merchants.purchases.rounds import (
    Answered,
    Lacking,
    Outcome,
    Purchase,
    PurchaseRequest,
    Shown,
    Unwritten,
    play_round,
)
from sesame.platform.clock import day_in
from sesame.platform.database import Database, unit_of_work
from sesame.platform.database.together import Together
from sesame.platform.problems import SesameError
from sesame.platform.scheme import current_scheme

OPTIMISTIC_TURNS = 4
LOCKED_TURNS = 4
REMEMBERED_TOKENS = 50_000
# The state moved between reading and writing, by what doesn't take the beneficiary's row.
_MOVED = {"SE002", "SL001"}
_LOCK_NOT_HAD = "55P03"
_PROOF_INDEX = "uq_decision_proof"
_UNKNOWN_KEY = {RefusalCode.ISSUER_UNKNOWN, RefusalCode.ISSUER_KEY_UNKNOWN}


@dataclass(frozen=True)
class PurchaseDesk:
    """What one process needs to decide on purchases. memory: tokens it has verified before."""

    database: Database
    zone: ZoneInfo
    memory: TokenMemory
    together: Together[Purchase, Outcome]

    @classmethod
    def open(cls, database: Database) -> "PurchaseDesk":
        """Return a desk for this database's scheme."""
        with database.sessions() as session:
            zone = current_scheme(session).zone
        together = Together(partial(_round, database, zone), Purchase.traits)
        return cls(database, zone, TokenMemory(REMEMBERED_TOKENS), together)


def authorise(
    desk: PurchaseDesk, asked: PurchaseRequest, at: datetime
) -> tuple[dict[str, Any], bool]:
    """Decide on a purchase and, where it is approved, take the money; return (answer, is it new).

    The answer is the shape of `PurchaseAnswerSchema`. Not new: the same key and content were decided
    before, and this is that answer. Raises `IdempotencyConflict` (the key served for something else),
    `TerminalUnknown`, or `PurchaseBusy`. A refusal is an answer, and is kept as such.
    """
    shown = _look_at(desk, asked.qr, at)
    purchase = Purchase(asked, shown, at, day_in(desk.zone, at).isoformat())
    alone = False
    for number in range(OPTIMISTIC_TURNS + LOCKED_TURNS):
        alone = alone or number >= OPTIMISTIC_TURNS
        outcome = _alone(desk, purchase) if alone else desk.together.ask(purchase)
        if isinstance(outcome, Answered):
            return outcome.answer, outcome.is_new
        if isinstance(outcome, SesameError):
            raise outcome
        if isinstance(outcome, Lacking):
            _supply(desk, outcome, at)
        alone = alone or outcome is Unwritten.HELD
    raise PurchaseBusy()


def _look_at(desk: PurchaseDesk, qr: str, at: datetime) -> Shown:
    """Verify the QR; keep its token id either way, so that a refusal can be explained."""
    shown = _verify(desk, qr, at)
    if shown.refusal in _UNKNOWN_KEY:
        # Made since this process last read the keys, maybe; and a refusal is kept for good.
        shown = _verify(desk, qr, at, fresh=True)
    return shown


def _verify(desk: PurchaseDesk, qr: str, at: datetime, *, fresh: bool = False) -> Shown:
    with desk.database.sessions() as session:
        issuers = issuer_keys(session, fresh=fresh)
    try:
        verified = verify_presentation(qr, issuers, at, desk.memory)
    except CredentialRefused as refused:
        return Shown(_token_id(qr), None, refused.code)
    return Shown(verified.claims.token_id, verified.proof.nonce, None)


def _token_id(qr: str) -> bytes | None:
    try:
        return read_token_id(decode_presentation(qr).token)
    except CredentialRefused:
        return None


def _round(database: Database, zone: ZoneInfo, purchases: list[Purchase]) -> list[Outcome]:
    """Play a round in one go. Where the database refuses that, each goes on alone, with its own error."""
    with database.one_statement() as connection:
        try:
            return play_round(connection, zone, purchases)
        except psycopg.Error:
            if connection.closed:
                raise  # written or not: asking again under the same key tells
            return [Unwritten.HELD] * len(purchases)


def _alone(desk: PurchaseDesk, purchase: Purchase) -> Outcome:
    """Play a round of one in a transaction that takes the card's row first."""
    outcome: Outcome = Unwritten.MOVED
    with desk.database.one_statement() as connection:
        try:
            with connection.transaction() as transaction:
                (outcome,) = play_round(connection, desk.zone, [purchase], lock_first=True)
                if not isinstance(outcome, Answered):
                    raise psycopg.Rollback(transaction)
        except psycopg.Error as error:
            if error.sqlstate == _LOCK_NOT_HAD:
                raise PurchaseBusy() from None
            if error.sqlstate not in _MOVED and error.diag.constraint_name != _PROOF_INDEX:
                raise
            outcome = Unwritten.MOVED
    return outcome


def _supply(desk: PurchaseDesk, lacking: Lacking, at: datetime) -> None:
    """Remember the plans that were missing, open the payables that were."""
    with unit_of_work(desk.database) as session:
        plans_for(session, lacking.plans)
        if lacking.payee_id is not None:
            for envelope_id in sorted(lacking.payables):
                payable_account(session, lacking.payee_id, envelope_id, at)
