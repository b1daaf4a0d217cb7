"""Making the Flask application: what is the same for every page and every API resource."""

from dataclasses import dataclass
from typing import Any, cast

from flask import Flask, Request, current_app
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import text
from werkzeug.middleware.proxy_fix import ProxyFix

from sesame.platform.clock import Clock
from sesame.platform.database import Database
from sesame.platform.keys import web_secret
from sesame.platform.settings import Settings
from sesame.platform.web import bodies, errors, language, layout, requests, security
from sesame.platform.web.api_document import ProblemApi
from sesame.platform.web.hooks import Registry


@dataclass(frozen=True)
class Shell:
    """What a request needs of its process: settings, database, clock."""

    settings: Settings
    database: Database
    clock: Clock


def current() -> Shell:
    """Return the shell of the application that serves this request."""
    return cast(Shell, current_app.extensions["sesame"])


class _CookieSessions(SecureCookieSessionInterface):
    """Flask's own, without making ready to check a signature where no cookie came: at every till."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return what the cookie holds; nothing without one."""
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)


def create_shell(shell: Shell, registry: Registry) -> Flask:
    """Return the Flask application with what `registry` holds, errors, headers and languages."""
    app = Flask("sesame.platform.web", static_folder="static", template_folder="templates")
    app.session_interface = _CookieSessions()
    app.extensions["sesame"] = shell
    app.extensions["sesame.explainers"] = registry.explainers
    app.config.update(
        SECRET_KEY=web_secret(shell.settings),
        SESSION_COOKIE_NAME="sesame",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=shell.settings.public_url.startswith("https://"),
        PERMANENT_SESSION_LIFETIME=180 * 24 * 3600,
        MAX_FORM_MEMORY_SIZE=512 * 1024,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=shell.settings.public_url.startswith("https://"),
        BABEL_DEFAULT_LOCALE="fr",
        API_TITLE="Sésame",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api",
        OPENAPI_JSON_PATH="openapi.json",
    )
    _trust_proxies(app, shell.settings.trusted_proxies)
    requests.install(app)
    bodies.install(app)
    csrf = CSRFProtect(app)
    language.install(app)
    security.install(app)
    layout.install(app, registry)
    api = ProblemApi(app)
    # After Api, which has handlers of its own for the same errors: the last ones registered answer.
    errors.install(app)
    for blueprint in registry.apis:
        api.register_blueprint(cast(Any, blueprint))
    for page in registry.pages:
        app.register_blueprint(page)
    security.exempt_signed_requests(csrf, registry)
    _add_health(app)
    return app


def _trust_proxies(app: Flask, count: int) -> None:
    """Read the visitor's address and scheme from what that many proxies in front have added.

    Without one, whatever the headers say is the visitor's own invention.
    """
    if count:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=count, x_proto=count, x_host=0, x_port=0, x_prefix=0
        )


def _add_health(app: Flask) -> None:
    @app.get("/healthz")
    def healthz() -> tuple[str, int, dict[str, str]]:
        return "ok\n", 200, {"Content-Type": "text/plain"}

    @app.get("/readyz")
    def readyz() -> tuple[str, int, dict[str, str]]:
        with current().database.engine.connect() as connection:
            connection.execute(text("SELECT 1 FROM platform.scheme"))
        return "ready\n", 200, {"Content-Type": "text/plain"}
