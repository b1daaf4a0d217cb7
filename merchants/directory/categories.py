"""What shops sell, by category: the code that programmes and conventions use, and its words."""

import re

from flask_babel import gettext
from flask_babel import lazy_gettext as _l

_CODE = re.compile(r"[a-z][a-z0-9_]{1,39}")

# A programme may name other categories: these are only the ones with words of their own.
_LABELS = {
    "textbooks": _l("Manuels"),
    "books": _l("Livres"),
    "comics": _l("BD, manga"),
    "cinema": _l("Cinéma"),
    "live_shows": _l("Spectacles"),
    "sports": _l("Sport"),
    "music": _l("Musique"),
    "museums": _l("Musées"),
    "equipment": _l("Équipement"),
}


def is_category(code: str) -> bool:
    """Say whether `code` can name a category: lower-case letters, digits and "_", 2 to 40."""
    return _CODE.fullmatch(code) is not None


def category_label(code: str) -> str:
    """Return the category's name in the current locale; its code where it has no words."""
    label = _LABELS.get(code)
    return gettext("Autre (%(code)s)", code=code) if label is None else str(label)
