"""The young person's first page: the code from their class sheet opens their card."""

import secrets
from datetime import datetime
from typing import cast

from flask import Blueprint, Response, redirect, render_template, request
from flask import session as cookie

from cardsvc.schools.enrolment import enrol
from cardsvc.schools.reasons import CodeUnknown
from sesame.platform.database import unit_of_work
from sesame.platform.identity import carry_session, open_session
from sesame.platform.identity.attempts import (
    check_attempts,
    failures_within_the_hour,
    note_failure,
)
from sesame.platform.identity.pages import network_of
from sesame.platform.log import logger
from sesame.platform.problems import SesameError
from sesame.platform.web import current

blueprint = Blueprint("enrol", __name__, template_folder="templates")

# Unknown codes within the hour. A school's pupils share one address, and slips of the finger are
# caught before they count.
TRIES_FROM_A_NETWORK = 60
# From everywhere together: told to whoever reads the logs, and refused to nobody, or a stranger with
# many addresses would close every pupil's door. Against 49 bits they find nothing in a lifetime.
ALARMING_TRIES = 1000
LONGEST_TYPED = 64
# In the cookie, from the form until the code is used: tells the browser that used a code from any
# other that types it afterwards. Signing in clears it.
_BROWSER = "enrolling"


@blueprint.get("/enrol")
def ask_code() -> str:
    """Show the one field. A QR's code is in the address's fragment: the page's script fills it in."""
    cookie.setdefault(_BROWSER, secrets.token_urlsafe(16))
    return render_template("schools/enrol.html", typed="", refusal=None)


@blueprint.post("/enrol")
def use_code() -> Response | tuple[str, int]:
    """Bind the code and sign its pupil in; otherwise say why, and keep what was typed.

    Sent again by the same browser within minutes (the answer was lost), it signs in again.
    """
    typed = request.form.get("code", "")[:LONGEST_TYPED]
    try:
        _enrol(typed)
    except SesameError as refusal:
        sentence = refusal.reason.holder or refusal.reason.sentence
        page = render_template(
            "schools/enrol.html", typed=typed, refusal=sentence, code=refusal.code
        )
        return page, refusal.reason.status
    return cast(Response, redirect("/wallet", code=303))


def _enrol(typed: str) -> None:
    shell = current()
    at = shell.clock.now()
    network = network_of(request.remote_addr)
    check_attempts(
        shell.settings, shell.database, "roll_code_address", network,
        limit=TRIES_FROM_A_NETWORK, at=at,
    )  # fmt: skip
    try:
        with unit_of_work(shell.database) as session:
            identity_id = enrol(session, shell.settings, typed, at, cookie.get(_BROWSER))
            session_id = open_session(session, identity_id, at)
    except CodeUnknown:
        _note_unknown_code(network, at)
        raise
    carry_session(session_id)


def _note_unknown_code(network: str, at: datetime) -> None:
    shell = current()
    note_failure(shell.settings, shell.database, "roll_code_address", network, at=at)
    everywhere = ("roll_code_installation", "")
    note_failure(shell.settings, shell.database, *everywhere, at=at)
    tries = failures_within_the_hour(shell.settings, shell.database, *everywhere, at=at)
    if tries >= ALARMING_TRIES:
        logger().warning("many_unknown_codes", within_the_hour=tries)
