"""French first, English second: chosen by the person, else by the browser."""

from collections.abc import Callable

from babel.support import NullTranslations
from flask import Flask, Response, has_request_context, redirect, request, session
from flask_babel import Babel, Domain, get_locale

from sesame.platform.translations import catalogue
from sesame.platform.web.inside import inside_path

LOCALES = ("fr", "en")


def chosen_locale() -> str:
    """Return the locale of this request; French outside of one."""
    if not has_request_context():
        return "fr"
    chosen = session.get("locale")
    if chosen in LOCALES:
        return str(chosen)
    return request.accept_languages.best_match(LOCALES) or "fr"


class _Sentences(Domain):  # type: ignore[misc]
    """Takes the catalogues from `sesame.platform.translations` instead of from .mo files."""

    def get_translations(self) -> NullTranslations:
        locale = get_locale()
        return catalogue(str(locale)) if locale else NullTranslations()


def speak(app: Flask, locale_selector: Callable[[], str]) -> None:
    """Give an application its sentences, in the language that `locale_selector` returns."""
    Babel(app, locale_selector=locale_selector).domain_instance = _Sentences()


def install(app: Flask) -> None:
    """Choose each request's language, and add the form that changes it."""
    speak(app, chosen_locale)

    @app.post("/language")
    def change_language() -> Response:
        wanted = request.form.get("locale")
        if wanted in LOCALES:
            session["locale"] = wanted
        came_from = inside_path(request.form.get("next")) or "/"
        return redirect(came_from, code=303)  # type: ignore[return-value]
