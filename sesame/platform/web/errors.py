"""Every error as problem details (RFC 9457) for the API, as a sentence on a page for people."""

from collections.abc import Iterator
from typing import Any

from flask import (
    Flask,
    Response,
    current_app,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from psycopg import OperationalError
from psycopg.errors import LockNotAvailable
from werkzeug.exceptions import HTTPException, UnprocessableEntity

from sesame.platform.identity.sessions import signed_in_or_none
from sesame.platform.log import logger
from sesame.platform.problems import Busy, NotSignedIn, OutcomeUnknown, SesameError
from sesame.platform.web.homes import own_home
from sesame.platform.web.inside import here, leads_to_a_page


def install(app: Flask) -> None:
    """Register the error handlers."""
    app.register_error_handler(SesameError, _domain_error)
    app.register_error_handler(NotSignedIn, _not_signed_in)
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)


def problem(status: int, code: str, title: str, **more: Any) -> Response:
    """Return a problem+json response. `code` is stable; `title` is a sentence for a person."""
    body = {
        "type": f"/api/problems/{code}",
        "title": title,
        "status": status,
        "code": code,
        "instance": f"urn:request:{g.get('request_id', '')}",
        **more,
    }
    response = jsonify(body)
    response.status_code = status
    response.mimetype = "application/problem+json"
    return response


def _answer(status: int, code: str, title: str, **more: Any) -> Response:
    if _is_api():
        return problem(status, code, title, **more)
    page = render_template(
        "error.html",
        status=status,
        code=code,
        sentence=title,
        way_out=own_home(),
        again=_where_to_try_again(status),
    )
    return make_response(page, status)


def _where_to_try_again(status: int) -> str | None:
    """Return the page to open once more: the form that was refused, or what failed on our side."""
    refused_form = request.method == "POST" and leads_to_a_page(request.path)
    return here() if refused_form or status in (429, 500, 503) else None


def _not_signed_in(error: NotSignedIn) -> Response:
    """Lead a page's reader to the door that is theirs; the API answers 401."""
    if _is_api():
        return _domain_error(error)
    view = current_app.view_functions.get(request.endpoint or "")
    if getattr(view, "needs_roles", ()) == ("beneficiary",) and leads_to_a_page("/enrol"):
        return make_response(redirect("/enrol", code=303))
    # The path alone: a query may hold what somebody typed.
    following = request.path if leads_to_a_page(request.path) else None
    return make_response(redirect(url_for("identity.sign_in", next=following), code=303))


def _domain_error(error: SesameError) -> Response:
    figures = {name: value for name, value in error.figures.items() if _is_plain(value)}
    return _answer(error.reason.status, error.code, _sentence(error), **figures)


def _sentence(error: SesameError) -> str:
    """Return the sentence for whoever reads: the young person has one of their own."""
    if not _is_api() and error.reason.holder:
        identity = signed_in_or_none()
        if identity is not None and identity.role == "beneficiary":
            return str(_(error.reason.holder, **error.figures))
    return error.sentence()


def _is_api() -> bool:
    return request.path.startswith("/api/")


def _is_plain(value: object) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(each) for key, each in value.items())
    if isinstance(value, list):
        return all(_is_plain(each) for each in value)
    return isinstance(value, str | int | bool) or value is None


def _csrf_error(error: CSRFError) -> Response:
    return _answer(
        400,
        "form_expired",
        _("Cette page est restée ouverte trop longtemps. Recommencez."),
    )


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    if isinstance(error, UnprocessableEntity):
        messages = getattr(error, "data", {}).get("messages", {})
        fields = messages.get("json") or messages.get("form") or messages.get("query") or messages
        return _answer(
            422,
            "input_invalid",
            _("Certaines informations sont manquantes ou incorrectes."),
            fields=fields,
        )
    if error.response is not None and status < 400:
        return Response(response=error.get_response().response, status=status)
    sentences = {
        400: ("bad_request", _("Cette demande n'a pas pu être comprise.")),
        404: ("not_found", _("Cette page ou cet élément n'existe pas.")),
        405: ("method_not_allowed", _("Cette action n'est pas possible ici.")),
        413: ("too_large", _("Cet envoi est trop gros.")),
        415: ("media_type_wrong", _("Ce format n'est pas accepté ici.")),
        429: (
            "too_many_requests",
            _("Trop d'essais. Attendez quelques minutes avant de recommencer."),
        ),
    }
    code, sentence = sentences.get(status, ("http_error", _("Cette demande n'a pas abouti.")))
    return _answer(status, code, sentence)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error, what the driver raised beneath it, and what it was raised from."""
    known: BaseException | None = error
    while known is not None:
        yield known
        yield getattr(known, "orig", None) or known
        known = known.__cause__


def _broke_the_connection(error: BaseException) -> bool:
    """Tell whether the server went away: then nobody here knows if its last statement was carried out."""
    if not isinstance(error, OperationalError):
        return False
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))


def _unexpected(error: Exception) -> Response:
    if any(isinstance(each, LockNotAvailable) for each in _causes(error)):
        return _domain_error(Busy())
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    # The message is left out: a database error's may quote a person's data.
    logger().error(
        "unexpected_error",
        error=type(error).__name__,
        file=where.tb_frame.f_code.co_filename if where else None,
        line=where.tb_lineno if where else None,
    )
    # Whoever is signed in isn't looked up again: the database may be what failed.
    g.setdefault("identity", None)
    asks_for_a_change = request.method not in ("GET", "HEAD", "OPTIONS")
    if asks_for_a_change and any(_broke_the_connection(each) for each in _causes(error)):
        return _domain_error(OutcomeUnknown())
    return _answer(
        500,
        "unexpected",
        _("Quelque chose n'a pas marché chez nous. Rien n'a été modifié : réessayez bientôt."),
    )
