"""The catalogues of sentences, compiled in memory from the .po files when a process needs them.

No .mo file exists to go stale, to be forgotten in a wheel or to be merged by hand.
"""

import re
from decimal import Decimal
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

FOLDER = Path(__file__).resolve().parents[1] / "translations"
NO_BREAK_SPACE = "\u00a0"
_BEFORE_SIGN = re.compile(r" (?=(?:[:;?!»€]|%(?!\())(?:\W|$))")
_AFTER_QUOTE = re.compile(r"(?<=«) ")


class French(Translations):
    """French needs no catalogue, msgids being French; it sets its signs as print does.

    A no-break space stands before `: ; ? ! » % €` and after `«`, where the code has a plain one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.plural = _french_plural

    def gettext(self, message: str) -> str:
        """Return the sentence itself."""
        return french_spacing(message)

    def ngettext(self, msgid1: str, msgid2: str, n: float) -> str:
        """Return the singular for 0 and 1, else the plural."""
        return french_spacing(msgid2 if _french_plural(n) else msgid1)

    # The names that Flask-Babel calls.
    def ugettext(self, message: str) -> Any:
        """Return the sentence itself."""
        return self.gettext(message)

    def ungettext(self, singular: str, plural: str, num: int) -> Any:
        """Return the singular for 0 and 1, else the plural."""
        return self.ngettext(singular, plural, num)


@cache
def catalogue(language: str) -> Translations:
    """Return the catalogue of `language`: `fr` or `en`.

    Raises FileNotFoundError for a language without a catalogue.
    """
    if language == "fr":
        return French()
    compiled = BytesIO()
    with (FOLDER / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return Translations(compiled)


def french_spacing(sentence: str) -> str:
    """Return `sentence` with the no-break spaces of French print, so that no sign starts a line."""
    return _AFTER_QUOTE.sub(NO_BREAK_SPACE, _BEFORE_SIGN.sub(NO_BREAK_SPACE, sentence))


def _french_plural(count: float | Decimal) -> int:
    return int(count > 1)
