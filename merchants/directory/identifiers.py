"""Numbers by which France knows a business (SIREN, SIRET) and SEPA an account (IBAN, BIC)."""

import warnings

from schwifty import BIC, IBAN
from schwifty.exceptions import NationalChecksumNotVerified, SchwiftyException
from stdnum.exceptions import ValidationError
from stdnum.fr import siren as stdnum_siren
from stdnum.fr import siret as stdnum_siret

from merchants.directory.reasons import (
    BicInvalid,
    IbanInvalid,
    IbanOutsideSepa,
    SirenInvalid,
    SiretInvalid,
)


def check_siren(text: str) -> str:
    """Return the nine digits of a SIREN (Luhn key). Raises `SirenInvalid`."""
    try:
        return str(stdnum_siren.validate(text))
    except ValidationError:
        raise SirenInvalid() from None


def check_siret(text: str) -> str:
    """Return the fourteen digits of a SIRET. Raises `SiretInvalid`.

    The key is Luhn's; La Poste's sites have their own rule: their digits sum to a multiple of 5.
    """
    try:
        return str(stdnum_siret.validate(text))
    except ValidationError:
        raise SiretInvalid() from None


def check_iban(text: str) -> str:
    """Return an IBAN without spaces: check digits (ISO 13616), national key where the country has
    one (the clé RIB in France), and a country of the SEPA schemes.

    Raises `IbanInvalid`, `IbanOutsideSepa`.
    """
    try:
        with warnings.catch_warnings():
            # Said where the library knows no national key; the check digits were still compared.
            warnings.simplefilter("ignore", NationalChecksumNotVerified)
            iban = IBAN(text, validate_bban=True)
    except SchwiftyException:
        raise IbanInvalid() from None
    if not iban.in_sepa_zone:
        raise IbanOutsideSepa()
    return str(iban.compact)


def check_bic(text: str) -> str:
    """Return a BIC of 8 or 11 characters (ISO 9362). Raises `BicInvalid`."""
    try:
        return str(BIC(text).compact)
    except SchwiftyException:
        raise BicInvalid() from None
