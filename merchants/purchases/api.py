"""`/api/v1/purchases`: what terminals call. Every request is signed by the terminal's key."""

import json
import re
from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar, TypeVar, cast
from uuid import UUID

from flask import current_app, g, request
from flask.views import MethodView

from cardsvc.programmes.split import BasketLine
from ledger.idempotency import content_hash, find
from merchants.purchases.authorise import PurchaseDesk, authorise
from merchants.purchases.reasons import PurchaseUnknown
from merchants.purchases.rounds import PurchaseRequest, scope_of
from merchants.purchases.schemas import PurchaseAnswerSchema, PurchaseRequestSchema
from merchants.terminals.signed_requests import terminal_of_request
from sesame.platform.problems import Reason, SesameError, declare
from sesame.platform.web import current
from sesame.platform.web.api_blueprint import ApiBlueprint

View = TypeVar("View", bound=Callable[..., Any])

# Made once: given the class, each request would build the schema and its nested one anew.
_REQUEST = PurchaseRequestSchema()

blueprint = ApiBlueprint(
    "purchases",
    __name__,
    url_prefix="/api/v1/purchases",
    description="Pay with the card. Requests are signed by the terminal (RFC 9421).",
)
blueprint.signed_by_terminal = True

# What stands in a path as it is: the key is also the address of a lost answer.
_KEY = re.compile(r"[A-Za-z0-9._~:-]{8,128}")
KEY_HEADER = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "description": "Chosen by the terminal, one for each sale (a UUID, say). A retry with the same key "
    "and content gets the first answer.",
    "schema": {"type": "string", "pattern": f"^{_KEY.pattern}$"},
}


class IdempotencyKeyMissing(SesameError):
    """A sale without a key could be booked twice."""

    reason = declare(
        Reason(
            "idempotency_key_missing",
            400,
            "L'en-tête Idempotency-Key manque, ou n'a pas 8 à 128 lettres, chiffres ou signes "
            "parmi . _ ~ : -",
        )
    )


def desk() -> PurchaseDesk:
    """Return this application's desk, opened at the first purchase."""
    extensions = current_app.extensions
    if "purchase_desk" not in extensions:
        extensions["purchase_desk"] = PurchaseDesk.open(current().database)
    return cast(PurchaseDesk, extensions["purchase_desk"])


def signed_by_terminal(view: View) -> View:
    """Let the view run only for a request that an enrolled terminal signed; its id is in `g`."""

    @wraps(view)
    def authenticated(*args: Any, **kwargs: Any) -> Any:
        g.terminal_id = terminal_of_request().terminal_id
        return view(*args, **kwargs)

    return cast(View, authenticated)


@blueprint.route("")
class Purchases(MethodView):
    """Purchases."""

    decorators: ClassVar = [signed_by_terminal]

    @blueprint.doc(parameters=[KEY_HEADER])
    @blueprint.arguments(_REQUEST)
    @blueprint.response(201, PurchaseAnswerSchema, description="Decided now, and kept.")
    @blueprint.alt_response(200, schema=PurchaseAnswerSchema, description="Decided before.")
    @blueprint.alt_response(400, response="BAD_REQUEST")
    @blueprint.alt_response(401, response="UNAUTHORIZED")
    @blueprint.alt_response(409, response="CONFLICT")
    @blueprint.alt_response(503, response="SERVICE_UNAVAILABLE")
    def post(self, asked: dict[str, Any]) -> Any:
        """Pay a basket, or part of it, or be told why not.

        The decision is kept either way. A refusal is an answer, not an error.
        """
        key = request.headers.get("Idempotency-Key", "")
        if _KEY.fullmatch(key) is None:
            raise IdempotencyKeyMissing()
        canonical = json.dumps(asked, sort_keys=True, separators=(",", ":")).encode()
        wanted = PurchaseRequest(
            terminal_id=g.terminal_id,
            key=key,
            content_hash=content_hash(canonical),
            qr=asked["qr"],
            lines=tuple(
                BasketLine(line["category"], line["amount_cents"], line["ean"], line["quantity"])
                for line in asked["lines"]
            ),
            accept_partial=asked["accept_partial"],
        )
        answer, is_new = authorise(desk(), wanted, current().clock.now())
        return current_app.json.response(answer), 201 if is_new else 200


@blueprint.route("/by-key/<key>")
class PurchaseByKey(MethodView):
    """A lost answer."""

    decorators: ClassVar = [signed_by_terminal]

    @blueprint.response(200, PurchaseAnswerSchema)
    @blueprint.alt_response(401, response="UNAUTHORIZED")
    @blueprint.alt_response(404, response="NOT_FOUND")
    def get(self, key: str) -> Any:
        """Find the answer that was lost on the way, by the key of its request.

        404 means that nothing is booked under this key *yet*: sending the purchase again under the
        same key is always safe, and is the surer way.
        """
        with current().database.sessions() as session:
            kept = find(session, scope_of(cast(UUID, g.terminal_id)), key)
        if kept is None:
            raise PurchaseUnknown()
        return current_app.json.response(kept.outcome)
