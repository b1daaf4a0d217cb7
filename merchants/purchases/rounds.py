"""A round of purchases, those of one process that came at the same time: read, decide, write.

Two round trips for all of them, whether one or fifty. The first reads; the second locks the
beneficiaries' rows and checks again what could have moved in between (balances, caps, a card that was
stopped, a proof shown twice). Each purchase has its own outcome: what stands against one holds up no
other.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from cardsvc.programmes.plans import remembered_plans
from cardsvc.programmes.split import BasketLine
from ledger.idempotency import read_kept
from merchants.purchases.decide import Decided, decide
from merchants.terminals.reasons import TerminalUnknown
from sesame.platform.database.array_text import array_text
from sesame.platform.ids import uuid7
from sesame.platform.problems import SesameError, reason_for
from sesame.platform.sentences import in_both_languages

# Read aloud on the phone: no letter or digit that sounds or looks like another.
_SPOKEN = "234679ACDEFHJKMNPQRTUVWXY"

_STATES = "SELECT merchants.purchase_states(%s, %s, %s, %s, %s)"
_RECORD = f"SELECT merchants.record_purchases({', '.join(['%s'] * 16)})"
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


@dataclass(frozen=True, slots=True)
class Shown:
    """What the QR says before it is believed, and whether it may be."""

    token_id: bytes | None
    proof_nonce: bytes | None
    refusal: str | None


@dataclass(frozen=True, slots=True)
class Purchase:
    """One purchase on its way. day: the scheme's calendar day of `at`, ISO."""

    asked: PurchaseRequest
    shown: Shown
    at: datetime
    day: str

    @property
    def scope(self) -> str:
        """The idempotency scope of its terminal's purchases."""
        return scope_of(self.asked.terminal_id)

    def traits(self) -> tuple[object, ...]:
        """Return what no two purchases of one round may share: the key, and the card."""
        key = (self.asked.terminal_id, self.asked.key)
        return (key,) if self.shown.token_id is None else (key, self.shown.token_id)


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer, in the shape of `PurchaseAnswerSchema`. is_new: decided now, not before."""

    answer: dict[str, Any]
    is_new: bool


@dataclass(frozen=True, slots=True)
class Lacking:
    """What a purchase can't go on without; the round gives its connection back before it is fetched.

    Were each purchase of a rush to hold one connection and ask for a second, none would get it.
    """

    plans: frozenset[UUID] = frozenset()
    payee_id: UUID | None = None
    payables: frozenset[UUID] = frozenset()


class Unwritten(Enum):
    """Why nothing was written. MOVED: what was read is no longer so. HELD: another sale has the card."""

    MOVED = "moved"
    HELD = "held"


Outcome = Answered | Lacking | Unwritten | SesameError


@dataclass(frozen=True, slots=True)
class _Draft:
    """What a purchase would write."""

    purchase: Purchase
    decided: Decided
    row: dict[str, Any]
    answer: dict[str, Any]
    transfers: list[tuple[UUID, UUID, str, int]]


def scope_of(terminal_id: UUID) -> str:
    """Return the idempotency scope of a terminal's purchases."""
    return f"purchase:{terminal_id}"


def play_round(
    connection: psycopg.Connection[Any],
    zone: ZoneInfo,
    purchases: Sequence[Purchase],
    *,
    lock_first: bool = False,
) -> list[Outcome]:
    """Decide on purchases no two of which share a trait; return the outcome of each.

    lock_first: for one alone, in a transaction of the caller's: its card's row is taken before
    anything is read, however long that takes. Raises the driver's errors: nothing was written then,
    unless the connection was lost on the way.
    """
    at = max(each.at for each in purchases)
    states = _read(connection, purchases, at)
    if lock_first and states[0]["card"] is not None:
        connection.execute(_LOCK, (states[0]["card"]["beneficiary_id"],))
        states = _read(connection, purchases, at)
    considered = [
        _consider(each, state, zone) for each, state in zip(purchases, states, strict=True)
    ]
    drafts = [each for each in considered if isinstance(each, _Draft)]
    written = iter(_write(connection, drafts, at) if drafts else ())
    return [next(written) if isinstance(each, _Draft) else each for each in considered]


def _read(
    connection: psycopg.Connection[Any], purchases: Sequence[Purchase], at: datetime
) -> list[dict[str, Any]]:
    values = (
        array_text([each.asked.terminal_id for each in purchases]),
        array_text([each.shown.token_id for each in purchases]),
        array_text([each.shown.proof_nonce for each in purchases]),
        at,
        array_text({each.day for each in purchases}),
    )
    states: list[dict[str, Any]] = _one(connection, _STATES, values)
    return states


def _consider(
    purchase: Purchase, state: dict[str, Any], zone: ZoneInfo
) -> _Draft | Lacking | SesameError:
    terminal, card = state["terminal"], state["card"]
    if terminal is None:
        return TerminalUnknown()
    if card is not None:
        versions = {UUID(each["programme_version_id"]) for each in card["entitlements"]}
        unknown = versions - remembered_plans.keys()
        if unknown:
            return Lacking(plans=frozenset(unknown))
    decided = decide(
        state,
        purchase.shown.refusal,
        remembered_plans,
        purchase.asked.lines,
        purchase.asked.accept_partial,
        at=purchase.at,
        zone=zone,
    )
    payables = terminal["payables"]
    missing = {
        part.paying_envelope_id
        for part in decided.parts
        if str(part.paying_envelope_id) not in payables
    }
    if missing:
        # This shop's first sale of a programme.
        return Lacking(payee_id=UUID(terminal["payee_id"]), payables=frozenset(missing))
    return _draft(purchase, terminal, card, decided)


def _draft(
    purchase: Purchase, terminal: dict[str, Any], card: dict[str, Any] | None, decided: Decided
) -> _Draft:
    asked, shown, at = purchase.asked, purchase.shown, purchase.at
    totals: dict[UUID, tuple[str, int]] = {}
    for part in decided.parts:
        payable = terminal["payables"][str(part.paying_envelope_id)]
        taken = totals.get(part.account_id, (payable, 0))[1]
        totals[part.account_id] = (payable, taken + part.amount_cents)
    transfers = [
        (uuid7(at), account, payable, amount) for account, (payable, amount) in totals.items()
    ]
    answer = _answer(uuid7(at), decided, at)
    row = {
        "id": answer["purchase_id"],
        "at": answer["decided_at"],
        "terminal_id": terminal["terminal_id"],
        "site_id": terminal["site_id"],
        "merchant_id": terminal["merchant_id"],
        "payee_id": terminal["payee_id"],
        "convention_version_id": (terminal["convention"] or {}).get("version_id"),
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
        "transfer_ids": [str(each[0]) for each in transfers],
    }
    return _Draft(purchase, decided, row, answer, transfers)


def _write(
    connection: psycopg.Connection[Any], drafts: Sequence[_Draft], at: datetime
) -> list[Outcome]:
    asked = [each.purchase.asked for each in drafts]
    uses = [(n, use) for n, draft in enumerate(drafts, 1) for use in draft.decided.cap_uses]
    transfers = [(n, each) for n, draft in enumerate(drafts, 1) for each in draft.transfers]
    values = (
        _json([each.row for each in drafts]),
        array_text([each.purchase.scope for each in drafts]),
        array_text([each.key for each in asked]),
        array_text([each.content_hash for each in asked]),
        _json([each.answer for each in drafts]),
        array_text([n for n, _ in uses]),
        array_text([use.period for _, use in uses]),
        array_text([use.cap_key for _, use in uses]),
        array_text([use.amount_cents for _, use in uses]),
        array_text([use.limit_cents for _, use in uses]),
        array_text([n for n, _ in transfers]),
        array_text([transfer_id for _, (transfer_id, _, _, _) in transfers]),
        array_text([debit for _, (_, debit, _, _) in transfers]),
        array_text([credit for _, (_, _, credit, _) in transfers]),
        array_text([amount for _, (_, _, _, amount) in transfers]),
        at,
    )
    told = _one(connection, _RECORD, values)
    return [_outcome(draft, each) for draft, each in zip(drafts, told, strict=True)]


def _outcome(draft: _Draft, told: dict[str, Any] | None) -> Outcome:
    if told is None:
        return Answered(draft.answer, is_new=True)
    if "kept" not in told:
        return Unwritten.HELD if "held" in told else Unwritten.MOVED
    try:
        kept = read_kept(told["kept"]).outcome_for(draft.purchase.asked.content_hash)
    except SesameError as conflict:
        return conflict
    return Answered(kept, is_new=False)


def _one(connection: psycopg.Connection[Any], statement: str, values: Sequence[object]) -> Any:
    row = connection.execute(statement, values).fetchone()
    return row[0] if row else None


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


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
