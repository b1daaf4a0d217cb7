"""One sale: checked here, asked once, answered for sure or said to be unknown.

The rule that everything here serves: a sale that the server booked is never called an error.
Once a request may have reached the server, only the server's own answer for its key ends the
doubt; until then the key stays in the agent's folder.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeGuard
from uuid import uuid4

from cardsvc.credential.refusals import CredentialRefused, RefusalCode
from cardsvc.credential.request_signature import sign_request
from cardsvc.credential.verify import TokenMemory, verify_presentation

from .amounts import check_amount_cents
from .enrolment import Enrolment
from .pending import PendingSale, PendingSales
from .refusals import AgentRefused, AnswerUnknown
from .server import HTTP_CREATED, HTTP_NOT_FOUND, HTTP_OK, Answer, AnswerLost, NotSent, Server

PURCHASES_PATH = "/api/v1/purchases"
_PAUSES_BEFORE_RETRY_SECONDS = (0.3, 1.0)
_PAUSES_BEFORE_LOOK_UP_SECONDS = (0.0, 1.0)
# The server refuses a request signed more than two minutes ago, so a key that it does not know
# three minutes after the last sending can no longer become a sale.
FINAL_AFTER = timedelta(minutes=3)
# Answers that say nothing about the sale itself: the same request may get another one.
_TRY_AGAIN = {408, 425, 429}
_CONFLICT = 409
_SERVER_ERROR = 500


@dataclass(frozen=True)
class Line:
    """One line of a basket. `category` is the merchant's word for it ("books", "cinema")."""

    category: str
    amount_cents: int
    ean: str | None = None


@dataclass(frozen=True)
class Decision:
    """The server's answer for one sale.

    `to_collect_cents` is what the customer still pays by other means.
    """

    idempotency_key: str
    outcome: str
    amount_cents: int
    approved_cents: int
    answer: dict[str, Any] = field(repr=False)

    @property
    def to_collect_cents(self) -> int:
        """The part of the amount that the card does not pay."""
        return self.amount_cents - self.approved_cents


class NotBooked(Exception):
    """The server does not know the key, and no request of ours can still reach it."""


class Till:
    """Sells for one enrolled terminal. May be shared by threads."""

    def __init__(
        self,
        home: Path,
        enrolment: Enrolment,
        *,
        lang: str = "fr",
        timeout_seconds: float = 5.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.enrolment = enrolment
        self.pending = PendingSales(home)
        self.clock = clock
        self._server = Server(enrolment.server_url, lang=lang, timeout_seconds=timeout_seconds)
        self._pause = pause
        self._memory = TokenMemory()

    def sell(
        self,
        qr: str,
        lines: list[Line],
        *,
        accept_partial: bool,
        idempotency_key: str | None = None,
    ) -> Decision:
        """Ask the server to take a sale from a card.

        :param qr: the text as the reader gave it.
        :param idempotency_key: a UUID of the caller's, who may ask again with it; else one is made.
        :raises AgentRefused: nothing was booked: an amount or a category out of bounds, a QR that
            is not good (its `RefusalCode`), `server_unreachable`, `idempotency_key_reused` (it
            belongs to a sale of another amount), or the server's own code.
        :raises AnswerUnknown: it may be booked; `look_up` will tell.
        """
        amount_cents = _total_cents(lines)
        key = idempotency_key or str(uuid4())
        try:
            verify_presentation(qr, self.enrolment.issuers, self.clock(), self._memory)
        except CredentialRefused as refusal:
            # An issuer's new key is known to the server before it is known here.
            if refusal.code is not RefusalCode.ISSUER_KEY_UNKNOWN:
                decision = self._refuse_unless_already_decided(refusal.code.value, idempotency_key)
                return _of_this_amount(decision, amount_cents)
        question = {
            "qr": qr,
            "lines": [
                {"category": line.category, "amount_cents": line.amount_cents, "ean": line.ean}
                for line in lines
            ],
            "currency": "EUR",
            "accept_partial": accept_partial,
        }
        return self._ask(key, amount_cents, json.dumps(question).encode())

    def look_up(self, idempotency_key: str) -> Decision:
        """Ask the server what became of the sale of that key.

        :raises AnswerUnknown: not known yet.
        :raises NotBooked: the server does not have it and can no longer get it.
        """
        sale = self.pending.find(idempotency_key)
        try:
            answer = self.signed("GET", f"{PURCHASES_PATH}/by-key/{idempotency_key}")
        except (NotSent, AnswerLost):
            raise AnswerUnknown(idempotency_key) from None
        # A page of somebody's proxy may say 404 as well; the server says it in JSON.
        if answer.status == HTTP_NOT_FOUND and answer.problem_code is not None:
            if sale is not None and self.clock() - sale.last_sent_at <= FINAL_AFTER:
                raise AnswerUnknown(idempotency_key)
            self.pending.forget(idempotency_key)
            raise NotBooked
        amount_cents = _answered_total_cents(answer)
        if amount_cents is None and sale is not None:
            amount_cents = sale.amount_cents
        decision = _read_decision(answer, idempotency_key, amount_cents)
        if decision is None:
            raise AnswerUnknown(idempotency_key)
        self.pending.forget(idempotency_key)
        return decision

    def signed(
        self, method: str, path: str, body: bytes | None = None, idempotency_key: str | None = None
    ) -> Answer:
        """Send one request signed now. :raises NotSent: :raises AnswerLost:."""
        headers = sign_request(
            self.enrolment.private_key,
            self.enrolment.terminal_id,
            method,
            path,
            body,
            idempotency_key,
            self.clock(),
        )
        return self._server.send(method, path, body, headers)

    def _ask(self, key: str, amount_cents: int, body: bytes) -> Decision:
        may_be_booked = self.pending.find(key) is not None
        for pause_seconds in (0.0, *_PAUSES_BEFORE_RETRY_SECONDS):
            self._pause(pause_seconds)
            self.pending.keep(PendingSale(key, amount_cents, self.clock()))
            try:
                answer = self.signed("POST", PURCHASES_PATH, body, key)
            except NotSent:
                continue
            except AnswerLost:
                may_be_booked = True
                continue
            decision = _read_decision(answer, key, amount_cents)
            if decision is not None:
                self.pending.forget(key)
                return decision
            # After a lost answer a refusal proves nothing: the first try may have got through,
            # and the QR is spent by now.
            if not may_be_booked and _refuses_the_question(answer):
                self.pending.forget(key)
                raise AgentRefused(answer.problem_code or "server_refused", answer.problem_detail)
            may_be_booked = True
        if may_be_booked:
            return _of_this_amount(self._ask_what_became_of(key), amount_cents)
        self.pending.forget(key)
        raise AgentRefused("server_unreachable")

    def _ask_what_became_of(self, key: str) -> Decision:
        for pause_seconds in _PAUSES_BEFORE_LOOK_UP_SECONDS:
            self._pause(pause_seconds)
            try:
                return self.look_up(key)
            except (AnswerUnknown, NotBooked):
                continue
        raise AnswerUnknown(key)

    def _refuse_unless_already_decided(self, code: str, key: str | None) -> Decision:
        # A caller who asks again with their own key shows a QR that is stale by now, though the
        # sale may have been booked the first time.
        if key is not None:
            try:
                return self.look_up(key)
            except NotBooked:
                pass
        raise AgentRefused(code)


def _total_cents(lines: list[Line]) -> int:
    if not lines:
        raise AgentRefused("basket_empty")
    for line in lines:
        check_amount_cents(line.amount_cents)
    return check_amount_cents(sum(line.amount_cents for line in lines))


def _of_this_amount(decision: Decision, amount_cents: int) -> Decision:
    # The answer to another question must not be taken for the answer to this one.
    if decision.amount_cents != amount_cents:
        raise AgentRefused("idempotency_key_reused")
    return decision


def _refuses_the_question(answer: Answer) -> bool:
    return (
        HTTP_CREATED < answer.status < _SERVER_ERROR
        and answer.status not in _TRY_AGAIN
        and answer.status != _CONFLICT
        and answer.problem_code is not None
    )


def _read_decision(answer: Answer, key: str, amount_cents: int | None) -> Decision | None:
    if answer.status not in {HTTP_OK, HTTP_CREATED} or answer.data is None:
        return None
    outcome, approved_cents = answer.data.get("outcome"), answer.data.get("approved_cents")
    if amount_cents is None or not _is_cents(approved_cents) or not isinstance(outcome, str):
        return None
    # An answer that contradicts itself is no answer: the cashier would hand goods over on it.
    consistent = {
        "approved": approved_cents == amount_cents,
        "partial": 0 < approved_cents < amount_cents,
        "refused": approved_cents == 0,
    }
    if not consistent.get(outcome, False):
        return None
    return Decision(key, outcome, amount_cents, approved_cents, answer.data)


def _answered_total_cents(answer: Answer) -> int | None:
    lines = (answer.data or {}).get("lines")
    if not isinstance(lines, list) or not lines:
        return None
    amounts = [line.get("amount_cents") if isinstance(line, dict) else None for line in lines]
    cents = [amount for amount in amounts if _is_cents(amount)]
    return sum(cents) if len(cents) == len(lines) else None


def _is_cents(value: object) -> TypeGuard[int]:
    # JSON true would pass for 1.
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
