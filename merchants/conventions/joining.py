"""Bringing many merchants in from a file: all of it, or nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from merchants.conventions.lifecycle import change_state, draft_convention, has_running_convention
from merchants.conventions.parameters import LONGEST_PAYMENT_DELAY_DAYS
from merchants.directory.merchant_file import LineError, MerchantLine, read_merchant_file
from merchants.directory.model import Site
from merchants.directory.reasons import MerchantFileRefused, SiteExists
from merchants.directory.register import register_merchant, register_payee, register_site


@dataclass(frozen=True)
class Joined:
    """What a file brought in. conventions: new ones; a merchant known before keeps its own."""

    merchants: int
    sites: int
    conventions: int


def join_from_file(session: Session, content: bytes, *, activate: bool, at: datetime) -> Joined:
    """Register every merchant, site and payee of a `merchants.csv`, with a convention for each
    merchant that has none: in draft, or active when `activate` is true.

    Its terms are the categories of the merchant's lines, no limit of its own for a purchase, and
    the longest payment delay. Raises `MerchantFileUnreadable`, or `MerchantFileRefused` with
    `lines` (every wrong field of every line) and then nothing is added.
    """
    lines, errors = read_merchant_file(content)
    errors += _already_there(session, lines)
    if errors:
        raise MerchantFileRefused(count=len(errors), lines=_as_rows(errors))
    categories: dict[UUID, set[str]] = {}
    for line in lines:
        merchant_id = _add(session, line, at)
        categories.setdefault(merchant_id, set()).update(line.categories)
    without = [each for each in categories if not has_running_convention(session, each)]
    for merchant_id in without:
        _agree(session, merchant_id, categories[merchant_id], activate=activate, at=at)
    return Joined(len(categories), len(lines), len(without))


def _already_there(session: Session, lines: list[MerchantLine]) -> list[LineError]:
    wanted = [line.siret for line in lines]
    known = set(session.scalars(select(Site.siret).where(Site.siret.in_(wanted))))
    return [LineError(line.line, "siret", SiteExists()) for line in lines if line.siret in known]


def _add(session: Session, line: MerchantLine, at: datetime) -> UUID:
    merchant_id = register_merchant(
        session,
        siren=line.siren,
        name=line.name,
        legal_form=line.legal_form,
        naf=line.naf,
        email=line.email,
        phone=line.phone,
        at=at,
    )
    payee_id = register_payee(
        session,
        merchant_id=merchant_id,
        holder=line.holder,
        iban=line.iban,
        bic=line.bic,
        address=line.address,
        at=at,
    )
    register_site(
        session,
        merchant_id=merchant_id,
        payee_id=payee_id,
        siret=line.siret,
        name=line.name,
        address_line=line.address_line,
        postal_code=line.address.postal_code,
        town=line.address.town,
        insee=line.insee,
        latitude=line.latitude,
        longitude=line.longitude,
        categories=list(line.categories),
        at=at,
    )
    return merchant_id


def _agree(
    session: Session, merchant_id: UUID, sold: set[str], *, activate: bool, at: datetime
) -> None:
    draft_convention(
        session,
        merchant_id=merchant_id,
        parameters={
            "categories": sorted(sold),
            "max_purchase_cents": None,
            "payment_delay_days": LONGEST_PAYMENT_DELAY_DAYS,
            "accepts_partial": True,
        },
        valid_from=at,
        valid_until=None,
        at=at,
    )
    if activate:
        change_state(session, merchant_id, "active", reason="import", at=at)


def _as_rows(errors: list[LineError]) -> list[dict[str, Any]]:
    ordered = sorted(errors, key=lambda error: error.line)
    return [
        {
            "line": each.line,
            "field": each.field,
            "code": each.error.code,
            "reason": each.error.sentence(),
        }
        for each in ordered
    ]
