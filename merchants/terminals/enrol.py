"""Enrolling a terminal: a one-time code and a public key become a till or reader of a site."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives import serialization
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cardsvc.credential.keys import public_key_from_jwk
from cardsvc.credential.refusals import KeyRefused
from merchants.directory.model import Merchant, Site
from merchants.terminals.codes import locked_code
from merchants.terminals.model import Terminal
from merchants.terminals.reasons import TerminalCodeUsed, TerminalKeyInvalid, TerminalKeyKnown
from merchants.terminals.states import begin
from sesame.platform.ids import uuid7
from sesame.platform.settings import Settings


@dataclass(frozen=True)
class EnrolledTerminal:
    """A terminal with the names that it shows."""

    terminal_id: UUID
    number: int
    site_name: str
    merchant_name: str


def enrol_terminal(
    session: Session,
    settings: Settings,
    *,
    code: str,
    public_key: Mapping[str, Any],
    kind: str,
    at: datetime,
) -> EnrolledTerminal:
    """Enrol a terminal of the site that the code was made for; the code is then spent.

    public_key: a P-256 key as JWK (RFC 7518). kind: `till` or `reader`. The same code with the same
    key gives the same terminal again: an answer lost on the way is asked for anew.
    Raises `TerminalCodeUnknown`, `TerminalCodeUsed`, `TerminalCodeExpired`, `TerminalKeyInvalid`,
    `TerminalKeyKnown`.
    """
    point = public_point(public_key)
    spent = locked_code(session, settings, code, at=at)
    if spent.terminal_id is not None:
        known = session.get_one(Terminal, spent.terminal_id)
        if known.public_key != point:
            raise TerminalCodeUsed()
        return _enrolled(session, known)
    terminal = _add(session, spent.site_id, point, kind, at)
    begin(session, terminal.id, at)
    spent.used_at, spent.terminal_id = at, terminal.id
    session.flush()
    return _enrolled(session, terminal)


def public_point(jwk: Mapping[str, Any]) -> bytes:
    """Return the 65 bytes (SEC 1, uncompressed) of a P-256 key. Raises `TerminalKeyInvalid`."""
    try:
        key = public_key_from_jwk(jwk)
    except KeyRefused as refused:
        raise TerminalKeyInvalid(problem=refused.code) from None
    return key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )


def _add(session: Session, site_id: UUID, point: bytes, kind: str, at: datetime) -> Terminal:
    # The site's row, so that two codes of one site used at once don't take the same number.
    session.execute(select(Site.id).where(Site.id == site_id).with_for_update(key_share=True))
    last = session.scalar(select(func.max(Terminal.number)).where(Terminal.site_id == site_id))
    terminal = Terminal(
        id=uuid7(at),
        site_id=site_id,
        number=(last or 0) + 1,
        kind=kind,
        public_key=point,
        enrolled_at=at,
    )
    if session.scalar(select(Terminal.id).where(Terminal.public_key == point)) is not None:
        raise TerminalKeyKnown()
    session.add(terminal)
    try:
        session.flush()
    except IntegrityError:
        # Somebody else's enrolment with this very key committed in between.
        raise TerminalKeyKnown() from None
    return terminal


def _enrolled(session: Session, terminal: Terminal) -> EnrolledTerminal:
    site = session.get_one(Site, terminal.site_id)
    merchant = session.get_one(Merchant, site.merchant_id)
    return EnrolledTerminal(terminal.id, terminal.number, site.name, merchant.name)
