"""One purchase: read what is known, decide, write the decision and the money in one transaction.

Two round trips. The first reads; the second locks the beneficiary's row and checks again what could
have moved in between (balances, caps, a proof shown twice): if it has, nothing is written and the
purchase starts over, from what is true by then. Each such turn means that another purchase of the
same card got through, so they end; after a few, the row is locked before reading.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from psycopg.types.json import Jsonb

from cardsvc.cards.issuer import issuer_keys
from cardsvc.credential.qr import decode_presentation
from cardsvc.credential.refusals import CredentialRefused, RefusalCode
from cardsvc.credential.token import read_token_id
from cardsvc.credential.verify import TokenMemory, verify_presentation
from cardsvc.programmes.plans import plans_for, remembered_plans
from cardsvc.programmes.split import BasketLine
from ledger.idempotency import read_kept
from merchants.directory.payables import payable_account
from merchants.purchases.decide import Decided, decide
from merchants.purchases.reasons import PurchaseBusy
from merchants.terminals.reasons import TerminalUnknown
from sesame.platform.clock import day_in
from sesame.platform.database import Database, unit_of_work
from sesame.platform.ids import uuid7
from sesame.platform.problems import reason_for
from sesame.platform.scheme import current_scheme
from sesame.platform.sentences import in_both_languages

OPTIMISTIC_TURNS = 4
LOCKED_TURNS = 4
REMEMBERED_TOKENS = 50_000
# The state moved between reading and writing: a cap, a card that was stopped, a balance.
_MOVED = {"SE002", "SE004", "SL001"}
_LOCK_NOT_HAD = "55P03"
_PROOF_INDEX = "uq_decision_proof"
_UNKNOWN_KEY = {RefusalCode.ISSUER_UNKNOWN, RefusalCode.ISSUER_KEY_UNKNOWN}
# Read aloud on the phone: no letter or digit that sounds or looks like another.
_SPOKEN = "234679ACDEFHJKMNPQRTUVWXY"

_STATE = "SELECT merchants.purchase_state(%s, %s, %s, %s, %s, %s, %s)"
_RECORD = "SELECT merchants.record_purchase(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
_LOCK = "SELECT cardsvc.lock_beneficiary(%s)"


@dataclass(frozen=True, slots=True)
class PurchaseRequest:
    """What a terminal asks. key: its idempotency key. content_hash: of all that is asked."""

    terminal_id: UUID
    key: str
    content_hash: bytes
    qr: str
    lines: tuple[BasketLine, ...]
    accept_partial: bool


@dataclass(frozen=True)
class PurchaseDesk:
    """What one process needs to decide on purchases. memory: tokens it has verified before."""

    database: Database
    zone: ZoneInfo
    memory: TokenMemory

    @classmethod
    def open(cls, database: Database) -> "PurchaseDesk":
        """Return a desk for this database's scheme."""
        with database.sessions() as session:
            return cls(database, current_scheme(session).zone, TokenMemory(REMEMBERED_TOKENS))


@dataclass(frozen=True, slots=True)
class Shown:
    """What the QR says before it is believed, and whether it may be."""

    token_id: bytes | None
    proof_nonce: bytes | None
    refusal: str | None


@dataclass(frozen=True, slots=True)
class Lacking:
    """What a turn can't go on without; it gives its connection back before this is fetched.

    Were each purchase of a rush to hold one connection and ask for a second, none would get it.
    """

    plans: frozenset[UUID] = frozenset()
    payee_id: UUID | None = None
    payables: frozenset[UUID] = frozenset()


def authorise(
    desk: PurchaseDesk, asked: PurchaseRequest, at: datetime
) -> tuple[dict[str, Any], bool]:
    """Decide on a purchase and, where it is approved, take the money; return (answer, is it new).

    The answer is the shape of `PurchaseAnswerSchema`. Not new: the same key and content were decided
    before, and this is that answer. Raises `IdempotencyConflict` (the key served for something else),
    `TerminalUnknown`, or `PurchaseBusy`. A refusal is an answer, and is kept as such.
    """
    shown = _look_at(desk, asked.qr, at)
    day = day_in(desk.zone, at).isoformat()
    for number in range(OPTIMISTIC_TURNS + LOCKED_TURNS):
        with desk.database.one_statement() as connection:
            if number < OPTIMISTIC_TURNS:
                came = _turn(desk, connection, asked, shown, at, day)
            else:
                with connection.transaction() as transaction:
                    came = _turn(desk, connection, asked, shown, at, day, lock_first=True)
                    if not isinstance(came, tuple):
                        raise psycopg.Rollback(transaction)
        if isinstance(came, tuple):
            return came
        if came is not None:
            _supply(desk, came, at)
    raise PurchaseBusy()


def scope_of(terminal_id: UUID) -> str:
    """Return the idempotency scope of a terminal's purchases."""
    return f"purchase:{terminal_id}"


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


def _turn(
    desk: PurchaseDesk,
    connection: psycopg.Connection[Any],
    asked: PurchaseRequest,
    shown: Shown,
    at: datetime,
    day: str,
    *,
    lock_first: bool = False,
) -> tuple[dict[str, Any], bool] | Lacking | None:
    """Read, decide, write. None: the state moved in between."""
    scope = scope_of(asked.terminal_id)
    read = (asked.terminal_id, scope, asked.key, shown.token_id, shown.proof_nonce, at, day)
    state = _one(connection, _STATE, read)
    if lock_first and state["card"] is not None:
        _one(connection, _LOCK, (state["card"]["beneficiary_id"],))
        state = _one(connection, _STATE, read)
    if state["kept"] is not None:
        return read_kept(state["kept"]).outcome_for(asked.content_hash), False
    if state["terminal"] is None:
        raise TerminalUnknown()
    lacking = _plans_lacking(state["card"])
    if lacking is not None:
        return lacking
    decided = decide(
        state,
        shown.refusal,
        remembered_plans,
        asked.lines,
        asked.accept_partial,
        at=at,
        zone=desk.zone,
    )
    lacking = _payables_lacking(state["terminal"], decided)
    if lacking is not None:
        return lacking
    purchase_id = uuid7(at)
    answer = _answer(purchase_id, decided, at)
    written = _record(connection, asked, shown, state, decided, purchase_id, answer, at)
    if written is None:
        return None
    kept = written[0]
    if kept is not None:
        return read_kept(kept).outcome_for(asked.content_hash), False
    return answer, True


def _plans_lacking(card: dict[str, Any] | None) -> Lacking | None:
    if card is None:
        return None
    versions = {UUID(each["programme_version_id"]) for each in card["entitlements"]}
    unknown = versions - remembered_plans.keys()
    return Lacking(plans=frozenset(unknown)) if unknown else None


def _one(connection: psycopg.Connection[Any], statement: str, values: Sequence[object]) -> Any:
    row = connection.execute(statement, values).fetchone()
    return row[0] if row else None


def _payables_lacking(terminal: dict[str, Any], decided: Decided) -> Lacking | None:
    """Say which payables this shop's first sale of a programme lacks."""
    missing = {
        part.paying_envelope_id
        for part in decided.parts
        if str(part.paying_envelope_id) not in terminal["payables"]
    }
    if not missing:
        return None
    return Lacking(payee_id=UUID(terminal["payee_id"]), payables=frozenset(missing))


def _supply(desk: PurchaseDesk, lacking: Lacking, at: datetime) -> None:
    """Remember the plans that were missing, open the payables that were."""
    with unit_of_work(desk.database) as session:
        plans_for(session, lacking.plans)
        if lacking.payee_id is not None:
            for envelope_id in sorted(lacking.payables):
                payable_account(session, lacking.payee_id, envelope_id, at)


def _record(
    connection: psycopg.Connection[Any],
    asked: PurchaseRequest,
    shown: Shown,
    state: dict[str, Any],
    decided: Decided,
    purchase_id: UUID,
    answer: dict[str, Any],
    at: datetime,
) -> tuple[dict[str, Any] | None] | None:
    """Write it all in one statement: (None,) done, (what the key keeps,) or None when the state moved."""
    terminal, card = state["terminal"], state["card"]
    totals: dict[UUID, tuple[UUID, int]] = {}
    for part in decided.parts:
        payable = UUID(terminal["payables"][str(part.paying_envelope_id)])
        taken = totals.get(part.account_id, (payable, 0))[1]
        totals[part.account_id] = (payable, taken + part.amount_cents)
    transfer_ids = [uuid7(at) for _ in totals]
    convention = terminal["convention"] or {}
    row = {
        "id": str(purchase_id),
        "at": at.isoformat(),
        "terminal_id": terminal["terminal_id"],
        "site_id": terminal["site_id"],
        "merchant_id": terminal["merchant_id"],
        "payee_id": terminal["payee_id"],
        "convention_version_id": convention.get("version_id"),
        "beneficiary_id": card["beneficiary_id"] if card else None,
        "card_id": card["card_id"] if card else None,
        "token_id": _hex(shown.token_id),
        "proof_nonce": _hex(shown.proof_nonce),
        "key": asked.key,
        "authorisation": answer["authorisation"],
        "outcome": decided.outcome,
        "amount_cents": decided.amount_cents,
        "approved_cents": decided.approved_cents,
        "accept_partial": asked.accept_partial,
        "reasons": list(decided.reasons),
        "lines": decided.kept_lines(),
        "figures": decided.figures,
        "programme_version_ids": [str(each) for each in decided.programme_version_ids],
        "transfer_ids": [str(each) for each in transfer_ids],
    }
    values = (
        scope_of(asked.terminal_id),
        asked.key,
        asked.content_hash,
        Jsonb(answer),
        Jsonb(row),
        row["beneficiary_id"],
        Jsonb(decided.cap_uses_as_json()) if decided.cap_uses else None,
        transfer_ids,
        list(totals),
        [payable for payable, _ in totals.values()],
        [amount for _, amount in totals.values()],
        at,
    )
    try:
        return (_one(connection, _RECORD, values),)
    except psycopg.Error as error:
        replayed = error.diag.constraint_name == _PROOF_INDEX
        if error.sqlstate in _MOVED or replayed:
            return None
        if error.sqlstate == _LOCK_NOT_HAD:
            raise PurchaseBusy() from None
        raise


def _hex(value: bytes | None) -> str | None:
    return None if value is None else "\\x" + value.hex()


def _answer(purchase_id: UUID, decided: Decided, at: datetime) -> dict[str, Any]:
    return {
        "purchase_id": str(purchase_id),
        "outcome": decided.outcome,
        "currency": "EUR",
        "approved_cents": decided.approved_cents,
        "remaining_cents": decided.amount_cents - decided.approved_cents,
        "authorisation": _spoken_number(),
        "lines": [
            {
                "category": line.category,
                "amount_cents": line.amount_cents,
                "approved_cents": line.approved_cents,
                "reason": line.reasons[0] if line.reasons else None,
            }
            for line in decided.lines
        ],
        "reasons": [explain(code) for code in decided.reasons],
        "decided_at": at.isoformat(),
    }


def explain(code: str) -> dict[str, Any]:
    """Return a reason's code with its sentences for the cashier and the holder, in both languages."""
    reason = reason_for(code)
    return {
        "code": code,
        "cashier": in_both_languages(reason.sentence),
        "holder": in_both_languages(reason.holder or reason.sentence),
    }


def _spoken_number() -> str:
    number = secrets.randbelow(len(_SPOKEN) ** 6)
    letters = ""
    for _ in range(6):
        number, place = divmod(number, len(_SPOKEN))
        letters += _SPOKEN[place]
    return f"{letters[:3]}-{letters[3:]}"
