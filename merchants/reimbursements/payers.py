"""Who pays: a funder with its dedicated account, and the envelopes that it pays from.

Only the regime `mandate` gives a bank file (CGCT L1611-7: the operator pays from a dedicated account
and renders accounts). Envelopes under the two other regimes leave by other ways, and never here.
"""

from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from cardsvc.programmes.envelopes import PayingEnvelope, paying_envelopes
from merchants.rails.sepa import Address, Party
from merchants.reimbursements.reasons import PayerUnknown

BANK_FILE_REGIME = "mandate"


@dataclass(frozen=True)
class Payer:
    """A funder that pays by bank file. envelope_ids: what it pays from."""

    code: str
    account: Party
    envelope_ids: tuple[UUID, ...]


def payers(session: Session) -> dict[str, Payer]:
    """Return the payers by funder code, in the order of their codes."""
    envelopes: defaultdict[str, list[UUID]] = defaultdict(list)
    accounts: dict[str, Party] = {}
    for envelope_id, envelope in paying_envelopes(session).items():
        if envelope.regime == BANK_FILE_REGIME:
            envelopes[envelope.funder_code].append(envelope_id)
            accounts[envelope.funder_code] = _account(envelope)
    return {
        code: Payer(code, accounts[code], tuple(sorted(envelopes[code])))
        for code in sorted(accounts)
    }


def find_payer(session: Session, code: str) -> Payer:
    """Return the payer of that funder code. Raises `PayerUnknown`."""
    payer = payers(session).get(code)
    if payer is None:
        raise PayerUnknown(payer=code)
    return payer


def _account(envelope: PayingEnvelope) -> Party:
    address = envelope.address
    return Party(
        name=envelope.name,
        iban=envelope.iban,
        bic=envelope.bic or None,
        address=Address(
            street=address.street or "",
            postal_code=address.postal_code or "",
            town=address.town or "",
            country=address.country,
        ),
    )
