"""Check digits of the French and international identifiers that the invented region carries.

Written from the norms, so that the files pass the same checks as real ones do; tests compare each
function with an independent library.
"""

UAI_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
"""The 23 key letters of a school's code: the alphabet without I, O and Q."""


def uai(department: str, number: int) -> str:
    """Return a school's national code (UAI, 8 characters) with its key letter.

    `department` is two or three digits as in a commune's code, `number` is 0 to 9999. The key is
    the number formed by the first seven digits, modulo 23, read in `UAI_LETTERS`.
    Raises ValueError where the department isn't digits or the number doesn't fit.
    """
    if not 0 <= number <= 9999:
        raise ValueError("a UAI number has four digits")
    digits = f"{int(department):03d}{number:04d}"
    if len(digits) != 7:
        raise ValueError("a UAI starts with three digits of department")
    return digits + UAI_LETTERS[int(digits) % 23]


def luhn_digit(body: str) -> str:
    """Return the digit that, put after the digits of `body`, satisfies Luhn (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def siren(prefix: str, number: int) -> str:
    """Return a SIREN (9 digits) made of `prefix`, the number on what is left of 8 digits, a key."""
    body = prefix + str(number).zfill(8 - len(prefix))
    if len(body) != 8 or not body.isdigit():
        raise ValueError("a SIREN has eight digits before its key")
    return body + luhn_digit(body)


def siret(siren_: str, place: int = 1) -> str:
    """Return the SIRET (14 digits) of the `place`-th establishment of a SIREN."""
    body = f"{siren_}{place:04d}"
    if len(body) != 13 or not body.isdigit():
        raise ValueError("a SIRET has thirteen digits before its key")
    return body + luhn_digit(body)


def french_iban(bank: str, branch: str, account: str) -> str:
    """Return a French IBAN (27 characters) with its RIB key and its ISO 13616 check digits.

    `bank` and `branch` are five digits, `account` eleven (digits only: the letters that a RIB
    allows are not needed here).
    """
    if (len(bank), len(branch), len(account)) != (5, 5, 11) or not (
        (bank + branch + account).isdigit()
    ):
        raise ValueError("a French account is 5 + 5 + 11 digits")
    rib_key = 97 - (89 * int(bank) + 15 * int(branch) + 3 * int(account)) % 97
    bban = f"{bank}{branch}{account}{rib_key:02d}"
    # ISO 7064 mod 97-10: country letters as numbers (F = 15, R = 27) and 00 go to the end.
    check = 98 - int(bban + "152700") % 97
    return f"FR{check:02d}{bban}"


def ean13(body: str) -> str:
    """Return the EAN-13 whose first twelve digits are `body` (GS1 General Specifications, 7.9)."""
    if len(body) != 12 or not body.isdigit():
        raise ValueError("an EAN-13 has twelve digits before its key")
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body))
    return body + str(-total % 10)
