"""SEPA credit transfers as a customer gives them to its bank: ISO 20022 pain.001.001.09.

Norms: EPC132-08 (customer-to-bank implementation guidelines) and the French banks' guide for the
same message. Addresses are structured, as banks ask for since November 2026. Writing is a pure
function of the order: the same order gives the same bytes, so a file lost is made again, and a bank
that has it already knows it by its message id.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import sepaxml
from lxml import etree
from schwifty import BIC, IBAN
from schwifty.exceptions import SchwiftyException

from merchants.rails.characters import epc_text, is_reference, says_something
from merchants.rails.reasons import (
    BankFileInvalid,
    OrderAmountInvalid,
    OrderEmpty,
    OrderPartyInvalid,
    OrderReferenceInvalid,
)

MESSAGE = "pain.001.001.09"
NAMESPACE = f"urn:iso:std:iso:20022:tech:xsd:{MESSAGE}"
MAX_TRANSFER_CENTS = 999_999_999_99
"""What one SEPA credit transfer carries at most (EPC125-05, AT-T002)."""

_COUNTRY = re.compile("[A-Z]{2}")
_PURPOSE = "GDSV"
"""External purpose code: purchase and sale of goods and services."""
_NAME, _STREET, _BUILDING, _POSTAL_CODE, _TOWN, _INFORMATION = 70, 70, 16, 16, 35, 140


@dataclass(frozen=True, slots=True)
class Address:
    """A structured address. building_number: where the street's name doesn't hold it already.
    country: two letters (ISO 3166).
    """

    street: str
    postal_code: str
    town: str
    country: str
    building_number: str | None = None


@dataclass(frozen=True, slots=True)
class Party:
    """Who pays or is paid, and their account."""

    name: str
    iban: str
    bic: str | None
    address: Address


@dataclass(frozen=True, slots=True)
class CreditTransfer:
    """One payment. end_to_end_id: at most 35 characters, comes back in the bank's answers."""

    end_to_end_id: str
    creditor: Party
    amount_cents: int
    information: str


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """What a bank is asked to do, once. created_at: aware. execution_on: a TARGET day."""

    message_id: str
    created_at: datetime
    execution_on: date
    debtor: Party
    transfers: Sequence[CreditTransfer]


def bank_file(order: PaymentOrder) -> bytes:
    """Return the pain.001.001.09 document of `order`, checked against the norm's schema.

    Raises `OrderEmpty`, `OrderReferenceInvalid`, `OrderAmountInvalid`, `OrderPartyInvalid`, or
    `BankFileInvalid` when the result isn't valid all the same.
    """
    check_order(order)
    document = etree.Element(f"{{{NAMESPACE}}}Document", nsmap={None: NAMESPACE})  # type: ignore[dict-item]
    initiation = _add(document, "CstmrCdtTrfInitn")
    _add_header(initiation, order)
    _add_batch(initiation, order)
    if not _schema().validate(document):
        raise BankFileInvalid()
    return etree.tostring(document, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def check_order(order: PaymentOrder) -> None:
    """Check everything that a schema can't: references, amounts, IBAN keys, SEPA countries.

    Raises as `bank_file` does.
    """
    if not order.transfers:
        raise OrderEmpty()
    references = [order.message_id, *(each.end_to_end_id for each in order.transfers)]
    if not all(map(is_reference, references)) or len(set(references)) != len(references):
        raise OrderReferenceInvalid()
    check_party(order.debtor, order.message_id)
    for each in order.transfers:
        if not 0 < each.amount_cents <= MAX_TRANSFER_CENTS:
            raise OrderAmountInvalid(end_to_end_id=each.end_to_end_id)
        check_party(each.creditor, each.end_to_end_id)


def check_party(party: Party, reference: str) -> None:
    """Raise `OrderPartyInvalid(end_to_end_id=reference, field=…)` for what a bank would refuse."""
    wrong = (
        "name"
        if not says_something(epc_text(party.name, _NAME))
        else "town"
        if not says_something(epc_text(party.address.town, _TOWN))
        else "country"
        if not _COUNTRY.fullmatch(party.address.country)
        else "iban"
        if not _is_sepa_iban(party.iban)
        else "bic"
        if party.bic is not None and not _is_bic(party.bic)
        else None
    )
    if wrong:
        raise OrderPartyInvalid(end_to_end_id=reference, field=wrong)


def _is_sepa_iban(text: str) -> bool:
    try:
        iban = IBAN(text)
    except SchwiftyException:
        return False
    # A French key can be right for the IBAN and wrong for the RIB inside it; others vary by country.
    if iban.country_code in ("FR", "MC"):
        try:
            iban.validate(validate_bban=True)
        except SchwiftyException:
            return False
    return iban.in_sepa_zone


def _is_bic(text: str) -> bool:
    try:
        BIC(text)
    except SchwiftyException:
        return False
    return True


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    element.text = text
    return element


def _add_header(initiation: etree._Element, order: PaymentOrder) -> None:
    header = _add(initiation, "GrpHdr")
    _add(header, "MsgId", order.message_id)
    _add(header, "CreDtTm", order.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    _add_totals(header, order)
    _add(_add(header, "InitgPty"), "Nm", epc_text(order.debtor.name, _NAME))


def _add_totals(parent: etree._Element, order: PaymentOrder) -> None:
    _add(parent, "NbOfTxs", str(len(order.transfers)))
    _add(parent, "CtrlSum", _euros(sum(each.amount_cents for each in order.transfers)))


def _add_batch(initiation: etree._Element, order: PaymentOrder) -> None:
    """Add the one batch: one debit on the payer's statement for all payments (BtchBookg)."""
    batch = _add(initiation, "PmtInf")
    _add(batch, "PmtInfId", order.message_id)
    _add(batch, "PmtMtd", "TRF")
    _add(batch, "BtchBookg", "true")
    _add_totals(batch, order)
    _add(_add(_add(batch, "PmtTpInf"), "SvcLvl"), "Cd", "SEPA")
    _add(_add(batch, "ReqdExctnDt"), "Dt", order.execution_on.isoformat())
    _add_party(batch, "Dbtr", order.debtor)
    _add_account(batch, "DbtrAcct", order.debtor)
    agent = _add(_add(batch, "DbtrAgt"), "FinInstnId")
    if order.debtor.bic is not None:
        _add(agent, "BICFI", _bic(order.debtor.bic))
    else:
        # The payer's bank must be there; "NOTPROVIDED" is the guidelines' word for "see the IBAN".
        _add(_add(agent, "Othr"), "Id", "NOTPROVIDED")
    _add(batch, "ChrgBr", "SLEV")
    for transfer in order.transfers:
        _add_transfer(batch, transfer)


def _add_transfer(batch: etree._Element, transfer: CreditTransfer) -> None:
    entry = _add(batch, "CdtTrfTxInf")
    _add(_add(entry, "PmtId"), "EndToEndId", transfer.end_to_end_id)
    amount = _add(_add(entry, "Amt"), "InstdAmt", _euros(transfer.amount_cents))
    amount.set("Ccy", "EUR")
    if transfer.creditor.bic is not None:
        agent = _add(_add(entry, "CdtrAgt"), "FinInstnId")
        _add(agent, "BICFI", _bic(transfer.creditor.bic))
    _add_party(entry, "Cdtr", transfer.creditor)
    _add_account(entry, "CdtrAcct", transfer.creditor)
    _add(_add(entry, "Purp"), "Cd", _PURPOSE)
    _add(_add(entry, "RmtInf"), "Ustrd", epc_text(transfer.information, _INFORMATION))


def _add_party(parent: etree._Element, name: str, party: Party) -> None:
    element = _add(parent, name)
    _add(element, "Nm", epc_text(party.name, _NAME))
    address = _add(element, "PstlAdr")
    for tag, text, longest in (
        ("StrtNm", party.address.street, _STREET),
        ("BldgNb", party.address.building_number or "", _BUILDING),
        ("PstCd", party.address.postal_code, _POSTAL_CODE),
        ("TwnNm", party.address.town, _TOWN),
        ("Ctry", party.address.country, 2),
    ):
        if written := epc_text(text, longest):
            _add(address, tag, written)


def _add_account(parent: etree._Element, name: str, party: Party) -> None:
    _add(_add(_add(parent, name), "Id"), "IBAN", str(IBAN(party.iban).compact))


def _bic(text: str) -> str:
    return str(BIC(text).compact)


def _euros(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


@cache
def _schema() -> etree.XMLSchema:
    """Return the norm's schema, read once a process from where the library ships it."""
    file = Path(sepaxml.__file__).parent / "schemas" / f"{MESSAGE}.xsd"
    return etree.XMLSchema(etree.parse(file))
