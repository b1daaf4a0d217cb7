"""UAI: a school's national code (unité administrative immatriculée): three digits of département,
four of number, one key letter.
"""

import re

_SHAPE = re.compile(r"\d{7}[A-Z]", re.ASCII)
_FIND = re.compile(r"(?<![0-9A-Za-z])(\d{7}[A-Za-z])(?![0-9A-Za-z])", re.ASCII)
KEY_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
"""The key is the number modulo 23 in these letters (I, O and Q are left out)."""


def is_uai(text: str) -> bool:
    """Return whether `text` (capitals) is a well-formed UAI whose key letter is right."""
    return _SHAPE.fullmatch(text) is not None and text[7] == KEY_LETTERS[int(text[:7]) % 23]


def uai_in(name: str) -> str | None:
    """Return the one valid UAI that a file's name holds; None without one, or with several."""
    found = {text.upper() for text in _FIND.findall(name.replace("_", " "))}
    valid = {text for text in found if is_uai(text)}
    return valid.pop() if len(valid) == 1 else None
