"""What a phone asks for, signed in as the card's holder; and the public keys, for everybody."""

import base64
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import jsonify, request
from flask_smorest import Blueprint
from sqlalchemy.orm import Session
from werkzeug import Response

from cardsvc.cards.issue import enrol_phone, issue_token, phone_of, token_expiry
from cardsvc.cards.issuer import issuer_keys
from cardsvc.cards.life import current_card
from cardsvc.cards.reasons import CardMissing
from cardsvc.cards.schemas import ClockOut, IssuersOut, PhoneIn, PhoneOut, PublicKeyIn, TokenOut
from sesame.platform.database import unit_of_work
from sesame.platform.identity import requires, signed_in
from sesame.platform.problems import NotAllowed
from sesame.platform.scheme import current_scheme
from sesame.platform.web import current

KEYS_CACHED_SECONDS = 300

phones = Blueprint(
    "phones", __name__, url_prefix="/api/v1/phone", description="The card on a phone."
)
issuers = Blueprint(
    "issuers", __name__, url_prefix="/api/v1/issuers", description="Keys that sign tokens."
)


@phones.post("/keys")
@requires("beneficiary")
@phones.arguments(PublicKeyIn)
@phones.response(201, PhoneOut)
def add_phone(body: dict[str, Any]) -> dict[str, Any]:
    """Put the card on a phone, and give it its first token."""
    at = current().clock.now()
    with unit_of_work(current().database) as session:
        phone_key_id = enrol_phone(
            session, holder_id(), body["public_key"], at, signed_in().session_id
        )
        card = current_card(session, holder_id())
        if card is None:
            raise CardMissing()
        answer = _token_answer(session, phone_key_id, at)
        return {**answer, "card": {"last_four": card.number[-4:]}}


@phones.post("/tokens")
@requires("beneficiary")
@phones.arguments(PhoneIn)
@phones.response(201, TokenOut)
def renew_token(body: dict[str, Any]) -> dict[str, Any]:
    """Give a phone of the card a fresh token."""
    at = current().clock.now()
    with unit_of_work(current().database) as session:
        phone = phone_of(session, holder_id(), body["phone_key_id"])
        return _token_answer(session, phone.id, at)


@phones.get("/clock")
@phones.response(200, ClockOut)
def clock() -> dict[str, datetime]:
    """Tell the server's time, to the millisecond."""
    return {"now": current().clock.now()}


@issuers.get("")
@issuers.response(200, IssuersOut)
def published_issuers() -> Response:
    """Publish the keys by which anyone can verify a token (docs/credential.md, section 2)."""
    with unit_of_work(current().database) as session:
        published = issuer_keys(session).to_published()
    response = jsonify({"issuers": published})
    response.headers["Cache-Control"] = f"public, max-age={KEYS_CACHED_SECONDS}"
    response.add_etag()
    return response.make_conditional(request)


def holder_id() -> UUID:
    """Return the beneficiary who is signed in. Raises `NotSignedIn`, `NotAllowed`."""
    subject_id = signed_in().subject_id
    if subject_id is None:
        raise NotAllowed()
    return subject_id


def _token_answer(session: Session, phone_key_id: UUID, at: datetime) -> dict[str, Any]:
    token = issue_token(session, current().settings, phone_key_id, at)
    return {
        "phone_key_id": phone_key_id,
        "token": base64.urlsafe_b64encode(token).rstrip(b"=").decode("ascii"),
        "expires_at": token_expiry(at),
        "issuer": current_scheme(session).issuer,
        "now": at,
    }
