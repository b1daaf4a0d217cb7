"""The characters that every bank of the SEPA area accepts, and how other text becomes them.

Norm: EPC217-08, "SEPA requirements for an extended character set": letters without accents, digits,
space and / - ? : ( ) . , ' +. Anything else may be refused, or changed by a bank on the way.
"""

import re
import unicodedata

_ALLOWED = re.compile(r"[A-Za-z0-9/\-?:().,'+ ]")
_REFERENCE = re.compile(r"[A-Za-z0-9\-?:().,'+][A-Za-z0-9/\-?:().,'+ ]{0,34}")
_NEIGHBOURS = str.maketrans(
    {
        "&": "+",
        "œ": "oe",
        "Œ": "OE",
        "æ": "ae",
        "Æ": "AE",
        "ß": "ss",
        "ø": "o",
        "Ø": "O",
        "đ": "d",
        "Đ": "D",
        "ð": "d",
        "Ð": "D",
        "ł": "l",
        "Ł": "L",
        "þ": "th",
        "Þ": "TH",
        "ı": "i",
        "€": "EUR",
        "’": "'",
        "‘": "'",
        "ʼ": "'",
        "`": "'",
        "´": "'",
        '"': "'",
        "“": "'",
        "”": "'",
        "«": "'",
        "»": "'",
        "–": "-",
        "—": "-",
        "‑": "-",
        "_": "-",
        "~": "-",
        "[": "(",
        "{": "(",
        "]": ")",
        "}": ")",
        "\\": "/",
        "|": "/",
        ";": ",",
        "№": "No",
    }
)


def epc_text(text: str, longest: int) -> str:
    """Return `text` in the common character set, at most `longest` characters, blanks folded.

    Accents are dropped, "&" becomes "+", a character with no neighbour in the set becomes ".".
    """
    folded = unicodedata.normalize("NFKD", text.translate(_NEIGHBOURS))
    kept = "".join(
        each if _ALLOWED.fullmatch(each) else " " if each.isspace() else "."
        for each in folded
        if not unicodedata.combining(each)
    )
    return " ".join(kept.split())[:longest].rstrip()


def says_something(text: str) -> bool:
    """Tell whether converted text still holds a letter or a digit (a name that is all dots doesn't)."""
    return any(each.isalnum() for each in text)


def is_reference(text: str) -> bool:
    """Tell whether `text` can be a message or end-to-end id.

    Norm: at most 35 characters of the set, no slash at either end, no two slashes in a row.
    """
    return bool(_REFERENCE.fullmatch(text)) and not text.endswith(("/", " ")) and "//" not in text
