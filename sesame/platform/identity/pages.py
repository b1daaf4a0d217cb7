"""Signing in with a login and a password (staff, schools, partners), and signing out."""

import ipaddress
from datetime import datetime
from uuid import UUID

from flask import Blueprint, Response, make_response, redirect, render_template, request

from sesame.platform.database import unit_of_work
from sesame.platform.identity.accounts import SignInRefused, sign_in_with_password
from sesame.platform.identity.attempts import TooManyAttempts, check_attempts, note_failure
from sesame.platform.identity.sessions import end_session, signed_in_or_none, start_session
from sesame.platform.web import current
from sesame.platform.web.homes import own_home
from sesame.platform.web.inside import inside_path

blueprint = Blueprint("identity", __name__, template_folder="templates")

# Failures within the hour. A network may be a whole school's: it is given more than one login is.
# A login is closed to the network that guesses at it, so that a stranger elsewhere doesn't keep its
# owner out; from everywhere together it takes far more, which many networks at once might reach.
TRIES_FOR_A_LOGIN_FROM_A_NETWORK = 8
TRIES_FOR_A_LOGIN = 200
TRIES_FROM_A_NETWORK = 60
_LONGEST = 200


@blueprint.get("/sign-in")
def sign_in() -> Response:
    """Show the form; whoever is signed in already goes on to where they were going."""
    following = inside_path(request.args.get("next"))
    if signed_in_or_none() is not None:
        return _go(following or own_home())
    return _form(following=following)


@blueprint.post("/sign-in")
def sign_in_by_password() -> Response:
    """Sign in, then go on to `next` (a path of this site) or to the role's first page.

    401 with the form again for a wrong login or password, 429 once there were too many.
    """
    login = request.form.get("login", "").strip()
    password = request.form.get("password", "")
    following = inside_path(request.form.get("next"))
    try:
        start_session(_checked(login, password, at=current().clock.now()))
    except (SignInRefused, TooManyAttempts) as refusal:
        return _form(
            login=login,
            following=following,
            sentence=refusal.sentence(),
            status=refusal.reason.status,
        )
    return _go(following or own_home())


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """End this browser's session, here and in the database."""
    end_session()
    return _go("/")


def _checked(login: str, password: str, *, at: datetime) -> UUID:
    """Return the identity's id. Raises `SignInRefused` or `TooManyAttempts`; counts a failure.

    The limits are looked at before the password, so that the right one after too many wrong ones
    tells a guesser nothing.
    """
    shell = current()
    network = network_of(request.remote_addr)
    limits = (
        ("password", f"{login}\0{network}", TRIES_FOR_A_LOGIN_FROM_A_NETWORK),
        ("password_login", login, TRIES_FOR_A_LOGIN),
        ("password_network", network, TRIES_FROM_A_NETWORK),
    )
    for kind, target, limit in limits:
        check_attempts(shell.settings, shell.database, kind, target, limit=limit, at=at)
    try:
        if len(login) > _LONGEST or len(password) > _LONGEST or not login.isprintable():
            raise SignInRefused()
        with unit_of_work(shell.database) as session:
            return sign_in_with_password(session, login, password)
    except SignInRefused:
        for kind, target, _limit in limits:
            note_failure(shell.settings, shell.database, kind, target, at=at)
        raise


def network_of(address: str | None) -> str:
    """Return what counts as one network: an IPv4 address, or the /64 that one home or phone has."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def _form(
    *, following: str | None, login: str = "", sentence: str = "", status: int = 200
) -> Response:
    page = render_template(
        "identity/sign_in.html", login=login, following=following, sentence=sentence
    )
    return make_response(page, status)


def _go(path: str) -> Response:
    return make_response(redirect(path, code=303))
