"""What a terminal asks the server about itself. Signed by its key, but for the enrolment."""

from typing import Any

from flask import request

from cardsvc.cards.issuer import issuer_keys
from merchants.terminals.enrol import enrol_terminal
from merchants.terminals.own_state import own_state
from merchants.terminals.reasons import (
    TerminalCodeExpired,
    TerminalCodeUnknown,
    TerminalCodeUsed,
)
from merchants.terminals.schemas import EnrolIn, EnrolOut, OwnStateOut
from merchants.terminals.signed_requests import terminal_of_request
from sesame.platform.database import unit_of_work
from sesame.platform.identity.attempts import check_attempts, note_failure
from sesame.platform.identity.pages import network_of
from sesame.platform.web import current
from sesame.platform.web.api_blueprint import ApiBlueprint

WRONG_CODES_AN_HOUR = 10

blueprint = ApiBlueprint(
    "terminals",
    __name__,
    url_prefix="/api/v1/terminals",
    description="Tills and readers, by the key that each has enrolled.",
)
blueprint.signed_by_terminal = True


@blueprint.post("/enrol")
@blueprint.arguments(EnrolIn)
@blueprint.response(201, EnrolOut)
def enrol(body: dict[str, Any]) -> dict[str, Any]:
    """Enrol a till or reader by the one-time code that its shop was given."""
    shell, at = current(), current().clock.now()
    origin = network_of(request.remote_addr)
    check_attempts(
        shell.settings, shell.database, "terminal_code", origin, limit=WRONG_CODES_AN_HOUR, at=at
    )
    try:
        with unit_of_work(shell.database) as session:
            enrolled = enrol_terminal(
                session,
                shell.settings,
                code=body["code"],
                public_key=body["public_key"],
                kind=body["kind"],
                at=at,
            )
            issuers = issuer_keys(session).to_published()
    except (TerminalCodeUnknown, TerminalCodeUsed, TerminalCodeExpired):
        note_failure(shell.settings, shell.database, "terminal_code", origin, at=at)
        raise
    return {
        "terminal_id": enrolled.terminal_id,
        "number": enrolled.number,
        "site": {"name": enrolled.site_name},
        "merchant": {"name": enrolled.merchant_name},
        "issuers": issuers,
    }


@blueprint.get("/me")
@blueprint.response(200, OwnStateOut)
def me() -> dict[str, Any]:
    """Tell the signing terminal its state, its shop, what it may sell, and the time."""
    identity = terminal_of_request()
    at = current().clock.now()
    with unit_of_work(current().database) as session:
        own = own_state(session, identity.terminal_id, at)
    convention = None
    if own.convention_state is not None:
        convention = {
            "state": own.convention_state,
            "categories": own.categories,
            "accepts_partial": own.accepts_partial,
        }
    return {
        "terminal_id": own.terminal_id,
        "number": own.number,
        "state": own.state,
        "site": {"id": own.site_id, "name": own.site_name},
        "merchant": {"id": own.merchant_id, "name": own.merchant_name},
        "convention": convention,
        "server_time": at,
    }
