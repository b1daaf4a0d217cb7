"""The catalogue's sentences, with a type: the translation library declares none."""

from flask_babel import gettext


def _(sentence: str, **places: object) -> str:
    """Return the French `sentence` in the current locale, its `%(name)s` places filled."""
    return str(gettext(sentence, **places))
