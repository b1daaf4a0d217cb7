"""Sentences in both languages at once, for answers that a till or a phone shows in its own."""

from functools import cache

from sesame.platform.translations import catalogue


@cache
def in_both_languages(msgid: str) -> dict[str, str]:
    """Return {"fr": …, "en": …} of a French msgid without places to fill."""
    return {language: catalogue(language).gettext(msgid) for language in ("fr", "en")}
