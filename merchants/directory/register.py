"""Adding merchants, sites and payees: every field is trimmed and checked before a row is made."""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from merchants.directory.identifiers import check_bic, check_iban, check_siren, check_siret
from merchants.directory.model import Merchant, Payee, Site
from merchants.directory.reasons import (
    FieldMalformed,
    FieldMissing,
    FieldTooLong,
    MerchantUnknown,
    PayeeUnknown,
    PayeeUnwritable,
    SiteExists,
    SiteUnknown,
)
from merchants.rails.characters import epc_text, says_something
from merchants.rails.reasons import OrderPartyInvalid
from merchants.rails.sepa import Address, Party, check_party
from sesame.platform.ids import uuid7

# ISO 20022 gives a name and a street 70 characters, a town 35, in the SEPA rulebooks.
HOLDER_CHARACTERS = 70
STREET_CHARACTERS = 70
TOWN_CHARACTERS = 35
NAME_CHARACTERS = 140

# How our columns call what a bank file's check calls otherwise.
_FIELDS = {"name": "holder", "town": "town", "country": "country", "iban": "iban", "bic": "bic"}

_NUMBERED = re.compile(
    r"(?P<number>[0-9]{1,4}(?: ?(?:bis|ter|quater|[A-Za-z])(?![A-Za-z]))?),? +(?P<street>.+)"
)
_FRENCH_POSTAL_CODE = re.compile(r"[0-9]{5}")
_POSTAL_CODE = re.compile(r"[0-9A-Z][0-9A-Z -]{1,9}")


@dataclass(frozen=True)
class PostalAddress:
    """An address in parts. number: within the street ("12 bis"), None where there is none."""

    street: str
    postal_code: str
    town: str
    number: str | None = None
    country: str = "FR"


def postal_address(line: str, postal_code: str, town: str, country: str = "FR") -> PostalAddress:
    """Return the address in parts, its number taken off the front of `line`.

    Raises `FieldMissing`, `FieldTooLong`, `FieldMalformed`.
    """
    line = required(line, STREET_CHARACTERS)
    match = _NUMBERED.fullmatch(line)
    number, street = (match["number"], match["street"]) if match else (None, line)
    code = check_postal_code(postal_code, country)
    return PostalAddress(street, code, required(town, TOWN_CHARACTERS), number, country)


def check_postal_code(text: str, country: str = "FR") -> str:
    """Return the postal code trimmed. Raises `FieldMissing`, `FieldTooLong`, `FieldMalformed`."""
    code = required(text, 10)
    shape = _FRENCH_POSTAL_CODE if country == "FR" else _POSTAL_CODE
    if shape.fullmatch(code) is None:
        raise FieldMalformed(example="75001")
    return code


def required(text: str, most: int) -> str:
    """Return `text` trimmed, inner spaces made single.

    Raises `FieldMissing`, `FieldTooLong`, and `FieldMalformed` for a sign that can't be printed.
    """
    trimmed = " ".join(text.split())
    if not trimmed:
        raise FieldMissing()
    if len(trimmed) > most:
        raise FieldTooLong(most=most)
    if not trimmed.isprintable():
        raise FieldMalformed(example="Librairie du Sablier")
    return trimmed


def bank_text(text: str, most: int, field: str) -> str:
    """Return `text` as `required` does, if a bank file can hold some of it.

    Raises as `required`, and `PayeeUnwritable(field=field)` for no Latin letter and no digit.
    """
    trimmed = required(text, most)
    if not says_something(epc_text(trimmed, most)):
        raise PayeeUnwritable(field=field)
    return trimmed


def register_merchant(
    session: Session,
    *,
    siren: str,
    name: str,
    legal_form: str | None,
    naf: str | None,
    at: datetime,
    email: str | None = None,
    phone: str | None = None,
) -> UUID:
    """Add the merchant, or find the one that has this SIREN already; return its id.

    Raises `SirenInvalid`, `FieldMissing`, `FieldTooLong`.
    """
    siren = check_siren(siren)
    name = required(name, NAME_CHARACTERS)
    known = session.scalar(select(Merchant.id).where(Merchant.siren == siren))
    if known is not None:
        return known
    row = Merchant(
        id=uuid7(at),
        siren=siren,
        name=name,
        legal_form=legal_form,
        naf=naf,
        email=email,
        phone=phone,
        state="open",
        created_at=at,
    )
    session.add(row)
    session.flush()
    return row.id


def register_payee(
    session: Session,
    *,
    merchant_id: UUID,
    holder: str,
    iban: str,
    bic: str | None,
    address: PostalAddress,
    at: datetime,
) -> UUID:
    """Add who is paid for this merchant, or find the one with this account; return its id.

    Raises `IbanInvalid`, `IbanOutsideSepa`, `BicInvalid`, `FieldMissing`, `FieldTooLong`, and
    `PayeeUnwritable(field=…)` for what a bank file couldn't hold (a holder or town without a Latin
    letter or digit): found here, it stops nobody else's payment later.
    """
    iban = check_iban(iban)
    bic = check_bic(bic) if bic else None
    holder = required(holder, HOLDER_CHARACTERS)
    _check_writable(holder, iban, bic, address)
    known = session.scalar(
        select(Payee.id).where(Payee.merchant_id == merchant_id, Payee.iban == iban)
    )
    if known is not None:
        return known
    row = Payee(
        id=uuid7(at),
        merchant_id=merchant_id,
        holder=holder,
        iban=iban,
        bic=bic,
        building_number=address.number,
        street=address.street,
        postal_code=address.postal_code,
        town=address.town,
        country=address.country,
        created_at=at,
    )
    session.add(row)
    session.flush()
    return row.id


def register_site(
    session: Session,
    *,
    merchant_id: UUID,
    payee_id: UUID,
    siret: str,
    name: str,
    address_line: str,
    postal_code: str,
    town: str,
    insee: str,
    latitude: float | None,
    longitude: float | None,
    categories: list[str],
    at: datetime,
) -> UUID:
    """Add a place of the merchant's, whose sales are owed to the payee; return its id.

    Raises `SiretInvalid`, `MerchantUnknown` (also when the SIRET has another SIREN), `SiteExists`,
    `FieldMissing`, `FieldTooLong`, `PayeeUnknown` (also when the payee is another merchant's).
    """
    siret = check_siret(siret)
    merchant = session.get(Merchant, merchant_id)
    if merchant is None or not siret.startswith(merchant.siren):
        raise MerchantUnknown()
    payee = session.get(Payee, payee_id)
    if payee is None or payee.merchant_id != merchant_id:
        raise PayeeUnknown()
    if session.scalar(select(Site.id).where(Site.siret == siret)) is not None:
        raise SiteExists()
    row = Site(
        id=uuid7(at),
        merchant_id=merchant_id,
        payee_id=payee_id,
        siret=siret,
        name=required(name, NAME_CHARACTERS),
        address_line=required(address_line, STREET_CHARACTERS),
        postal_code=required(postal_code, 10),
        town=required(town, TOWN_CHARACTERS),
        insee=insee,
        latitude=latitude,
        longitude=longitude,
        categories=sorted(set(categories)),
        created_at=at,
    )
    session.add(row)
    session.flush()
    return row.id


def _check_writable(holder: str, iban: str, bic: str | None, address: PostalAddress) -> None:
    party = Party(
        name=holder,
        iban=iban,
        bic=bic,
        address=Address(
            street=address.street,
            postal_code=address.postal_code,
            town=address.town,
            country=address.country,
            building_number=address.number,
        ),
    )
    try:
        check_party(party, "")
    except OrderPartyInvalid as refused:
        raise PayeeUnwritable(field=_FIELDS[str(refused.figures["field"])]) from None


def merchant_by_siren(session: Session, siren: str) -> Merchant:
    """Return the merchant of that SIREN. Raises `SirenInvalid`, `MerchantUnknown`."""
    found = session.scalar(select(Merchant).where(Merchant.siren == check_siren(siren)))
    if found is None:
        raise MerchantUnknown()
    return found


def site_by_siret(session: Session, siret: str) -> Site:
    """Return the site of that SIRET. Raises `SiretInvalid`, `SiteUnknown`."""
    found = session.scalar(select(Site).where(Site.siret == check_siret(siret)))
    if found is None:
        raise SiteUnknown()
    return found
