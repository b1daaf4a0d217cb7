"""Funders and their envelopes: money set aside for a programme, and whether it suffices."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from schwifty import BIC, IBAN
from schwifty.exceptions import SchwiftyException
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from stdnum.fr import siren as siren_rules

from cardsvc.programmes.jobs import grant_after_funding
from cardsvc.programmes.model import Envelope, Funder, ProgrammeRow
from cardsvc.programmes.needs import find_envelope
from cardsvc.programmes.reasons import (
    EnvelopeExists,
    EnvelopeMissing,
    FunderExists,
    FunderInvalid,
    FunderUnknown,
    ProgrammeSlugInvalid,
)
from cardsvc.programmes.rules import Programme
from ledger.accounts import open_account
from ledger.idempotency import claim, content_hash
from ledger.outcomes import MAX_AMOUNT
from ledger.reasons import AmountOutOfRange
from ledger.statements import available, balances
from ledger.transfers import NewTransfer, post
from sesame.platform.ids import uuid7

_CODE = re.compile(r"[a-z][a-z0-9-]{1,39}", re.ASCII)
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{1,59}", re.ASCII)
_FUND_SCOPE = "programmes.envelope.fund"


@dataclass(frozen=True)
class Address:
    """A structured postal address, as bank files want it. country: two letters."""

    street: str | None
    postal_code: str | None
    town: str | None
    country: str = "FR"


@dataclass(frozen=True)
class PayingEnvelope:
    """An envelope that pays partners, with its funder as the debtor of a bank file."""

    envelope_id: UUID
    funder_id: UUID
    funder_code: str
    name: str
    iban: str
    bic: str
    address: Address
    regime: str


@dataclass(frozen=True)
class EnvelopeBalance:
    """One envelope as it stands."""

    envelope_id: UUID
    funder: str
    programme: str
    regime: str | None
    paying: bool
    balance_cents: int


def add_funder(
    session: Session,
    *,
    code: str,
    name: str,
    siren: str,
    iban: str,
    bic: str,
    address: Address,
    at: datetime,
) -> UUID:
    """Add a funder and the account its money comes from; return its id.

    Adding the same again returns the same id. Raises `FunderInvalid` (field: code, name, siren, iban
    or bic), `FunderExists` for a known code with other particulars.
    """
    values = {
        "code": _checked_code(code),
        "name": _checked_name(name),
        "siren": _checked_siren(siren),
        "iban": _checked_iban(iban),
        "bic": _checked_bic(bic),
        "street": address.street,
        "postal_code": address.postal_code,
        "town": address.town,
        "country": address.country,
    }
    known = session.scalar(select(Funder).where(Funder.code == code))
    if known is not None:
        if any(getattr(known, name) != value for name, value in values.items()):
            raise FunderExists(funder=code)
        return known.id
    account_id = open_account(session, kind="funding", guarded=False, at=at)
    row = Funder(id=uuid7(at), funding_account_id=account_id, created_at=at, **values)
    session.add(row)
    session.flush()
    return row.id


def fund_envelope(
    session: Session, *, funder: str, programme: str, amount_cents: int, key: str, at: datetime
) -> EnvelopeBalance:
    """Move money from a funder to its envelope for a programme (opened on first use).

    Whoever waited for this money is granted by a job after the commit. key: the same key and content
    move nothing more and give the present balance. Raises `FunderUnknown`, `ProgrammeSlugInvalid`,
    `IdempotencyConflict`, `AmountOutOfRange`.
    """
    funder_row = session.scalar(select(Funder).where(Funder.code == funder))
    if funder_row is None:
        raise FunderUnknown(funder=funder)
    envelope = _open_envelope(session, funder_row, programme_id(session, programme, at), at)
    hashed = content_hash(funder.encode(), programme.encode(), str(amount_cents).encode())
    kept = {"envelope_id": str(envelope.id), "amount_cents": amount_cents}
    if claim(session, _FUND_SCOPE, key, hashed, kept, at=at) is None:
        transfer = NewTransfer(
            id=uuid7(at),
            debit=funder_row.funding_account_id,
            credit=envelope.account_id,
            amount=amount_cents,
            kind="fund",
            correlation_id=envelope.id,
            counts_at=at,
        )
        post(session, [transfer], at=at)
        grant_after_funding(session, at)
    held = balances(session, [envelope.account_id])[envelope.account_id]
    return EnvelopeBalance(envelope.id, funder, programme, envelope.regime, envelope.paying, held)


def open_envelope(
    session: Session, *, funder: str, programme: str, may_owe_cents: int, at: datetime
) -> EnvelopeBalance:
    """Open a funder's envelope for a programme, which may go below zero as far as it is said here.

    For a funder that is called on for what was spent, rather than paying before: its envelope owes up
    to `may_owe_cents` (0: none). Opening the same again changes nothing. Raises `FunderUnknown`,
    `ProgrammeSlugInvalid`, `AmountOutOfRange`, `EnvelopeExists` for one that may owe another amount.
    """
    if not 0 <= may_owe_cents <= MAX_AMOUNT:
        raise AmountOutOfRange()
    funder_row = session.scalar(select(Funder).where(Funder.code == funder))
    if funder_row is None:
        raise FunderUnknown(funder=funder)
    envelope = _open_envelope(
        session, funder_row, programme_id(session, programme, at), at, may_owe_cents
    )
    left = available(session, [envelope.account_id])[envelope.account_id]
    held = balances(session, [envelope.account_id])[envelope.account_id]
    if left - held != may_owe_cents:
        raise EnvelopeExists(funder=funder)
    return EnvelopeBalance(envelope.id, funder, programme, envelope.regime, envelope.paying, held)


def list_envelopes(session: Session) -> list[EnvelopeBalance]:
    """Return every envelope with what it holds, by programme and funder."""
    query = (
        select(Envelope, Funder.code, ProgrammeRow.slug)
        .join(Funder, Funder.id == Envelope.funder_id)
        .join(ProgrammeRow, ProgrammeRow.id == Envelope.programme_id)
        .order_by(ProgrammeRow.slug, Funder.code)
    )
    rows = session.execute(query).all()
    held = balances(session, [envelope.account_id for envelope, _code, _slug in rows])
    return [
        EnvelopeBalance(
            envelope.id, code, slug, envelope.regime, envelope.paying, held[envelope.account_id]
        )
        for envelope, code, slug in rows
    ]


def list_funders(session: Session) -> list[Funder]:
    """Return the funders by code."""
    return list(session.scalars(select(Funder).order_by(Funder.code)))


def paying_envelopes(session: Session) -> dict[UUID, PayingEnvelope]:
    """Return the envelopes that pay partners, by id."""
    query = (
        select(Envelope, Funder)
        .join(Funder, Funder.id == Envelope.funder_id)
        .where(Envelope.paying, Envelope.regime.is_not(None))
    )
    return {
        envelope.id: PayingEnvelope(
            envelope_id=envelope.id,
            funder_id=funder.id,
            funder_code=funder.code,
            name=funder.name,
            iban=funder.iban,
            bic=funder.bic,
            address=Address(funder.street, funder.postal_code, funder.town, funder.country),
            regime=envelope.regime or "",
        )
        for envelope, funder in session.execute(query)
    }


def account_ids(session: Session, accounts: Sequence[UUID]) -> dict[UUID, UUID]:
    """Return the ledger's account of each envelope by the envelope's id, of those among `accounts`."""
    rows = session.execute(
        select(Envelope.id, Envelope.account_id).where(Envelope.account_id.in_(accounts))
    )
    return {envelope_id: account_id for envelope_id, account_id in rows}


def programme_id(session: Session, slug: str, at: datetime) -> UUID:
    """Return the id of a programme by its slug, adding its row on first use.

    Raises `ProgrammeSlugInvalid`.
    """
    if _SLUG.fullmatch(slug) is None:
        raise ProgrammeSlugInvalid()
    known = session.scalar(select(ProgrammeRow.id).where(ProgrammeRow.slug == slug))
    if known is not None:
        return known
    values = {"id": uuid7(at), "slug": slug, "created_at": at}
    session.execute(insert(ProgrammeRow).values(**values).on_conflict_do_nothing())
    return session.scalars(select(ProgrammeRow.id).where(ProgrammeRow.slug == slug)).one()


def envelopes_of(session: Session, programme: Programme) -> dict[str, Envelope]:
    """Return the envelope of each funder of `programme`, in the order of its shares.

    Raises `FunderUnknown` or `EnvelopeMissing`.
    """
    found: dict[str, Envelope] = {}
    for share in programme.funders:
        funder_id = session.scalar(select(Funder.id).where(Funder.code == share.funder))
        if funder_id is None:
            raise FunderUnknown(funder=share.funder)
        envelope = find_envelope(session, funder_id, programme.slug)
        if envelope is None:
            raise EnvelopeMissing(funder=share.funder)
        found[share.funder] = envelope
    return found


def _open_envelope(
    session: Session, funder: Funder, programme: UUID, at: datetime, may_owe_cents: int = 0
) -> Envelope:
    # The programme's row orders two first fundings at once: the second finds the first's envelope.
    session.execute(select(ProgrammeRow.id).where(ProgrammeRow.id == programme).with_for_update())
    query = select(Envelope).where(
        Envelope.funder_id == funder.id, Envelope.programme_id == programme
    )
    known = session.scalar(query)
    if known is not None:
        return known
    account_id = open_account(session, kind="envelope", guarded=True, floor=-may_owe_cents, at=at)
    row = Envelope(
        id=uuid7(at),
        funder_id=funder.id,
        programme_id=programme,
        account_id=account_id,
        regime=None,
        paying=False,
        created_at=at,
    )
    session.add(row)
    session.flush()
    return row


def _checked_code(code: str) -> str:
    if _CODE.fullmatch(code) is None:
        raise FunderInvalid(field="code")
    return code


def _checked_name(name: str) -> str:
    trimmed = name.strip()
    if not 1 <= len(trimmed) <= 140:
        raise FunderInvalid(field="name")
    return trimmed


def _checked_siren(siren: str) -> str:
    bare = siren.replace(" ", "")
    if not siren_rules.is_valid(bare):
        raise FunderInvalid(field="siren")
    return bare


def _checked_iban(iban: str) -> str:
    try:
        return str(IBAN(iban, validate_bban=True).compact)
    except SchwiftyException:
        raise FunderInvalid(field="iban") from None


def _checked_bic(bic: str) -> str:
    try:
        return str(BIC(bic).compact)
    except SchwiftyException:
        raise FunderInvalid(field="bic") from None
