"""`/api/v1/ledger`: the book for auditors. Reads only, by a signed-in auditor or accountant."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar, cast
from uuid import UUID

from flask import request, url_for
from flask.views import MethodView
from marshmallow import RAISE, Schema

from ledger.accounting.calls import calls
from ledger.checkpoints import latest_checkpoint
from ledger.proofs import Proof, proof_for
from ledger.reading.accounts import (
    Page,
    find_account,
    find_transfer,
    kept_balance,
    list_accounts,
    transfers_of,
)
from ledger.reading.chains import chain
from ledger.reading.reasons import NoCheckpointYet, NotSealedYet
from ledger.schemas import (
    AccountSchema,
    AccountsQuerySchema,
    AccountsSchema,
    AccountWithBalanceSchema,
    AsOfQuerySchema,
    CallsQuerySchema,
    CallsSchema,
    CheckpointSchema,
    PageQuerySchema,
    ProofSchema,
    TransferSchema,
    TransfersSchema,
)
from ledger.sealing import seal_state
from ledger.statements.as_of import balances_as_of
from sesame.platform.identity import requires
from sesame.platform.web import current
from sesame.platform.web.api_blueprint import ApiBlueprint

View = TypeVar("View", bound=Callable[..., Any])
READERS = ("accountant", "auditor")

blueprint = ApiBlueprint(
    "ledger_api",
    __name__,
    url_prefix="/api/v1/ledger",
    description="The book, for auditors: accounts, transfers, balances as of a moment, proofs.",
)


class _Reading(MethodView):
    """What every resource here shares: who may read."""

    decorators: ClassVar = [requires(*READERS)]


def read(schema: type[Schema], *, query: type[Schema] | None = None) -> Callable[[View], View]:
    """Let a view answer with `schema`, given what it is asked by `query`; document its errors."""

    def decorate(view: View) -> View:
        made: Any = blueprint.response(200, schema)(view)
        if query is not None:
            made = blueprint.arguments(query, location="query", unknown=RAISE)(made)
        for status, name in ((401, "UNAUTHORIZED"), (403, "FORBIDDEN"), (404, "NOT_FOUND")):
            made = blueprint.alt_response(status, response=name)(made)
        return cast(View, made)

    return decorate


@blueprint.route("/accounts")
class Accounts(_Reading):
    """Accounts."""

    @read(AccountsSchema, query=AccountsQuerySchema)
    def get(self, asked: dict[str, Any]) -> Any:
        """List accounts in the order in which they were opened."""
        with current().database.sessions() as session:
            page = list_accounts(session, **asked)
            return {"accounts": page.rows}, 200, _links(page, asked)


@blueprint.route("/accounts/<uuid:account_id>")
class OneAccount(_Reading):
    """One account."""

    @read(AccountWithBalanceSchema, query=AsOfQuerySchema)
    def get(self, asked: dict[str, Any], account_id: UUID) -> Any:
        """Read an account and what it held at a moment, on either clock or both."""
        with current().database.sessions() as session:
            account = find_account(session, account_id)
            balance = balances_as_of(session, [account_id], **asked)[account_id]
            kept = kept_balance(session, account_id)
        shown = {name: getattr(account, name) for name in AccountSchema().fields}
        return {**shown, **asked, "balance": balance, "held": None if kept is None else kept.held}


@blueprint.route("/accounts/<uuid:account_id>/transfers")
class AccountTransfers(_Reading):
    """An account's transfers."""

    @read(TransfersSchema, query=PageQuerySchema)
    def get(self, asked: dict[str, Any], account_id: UUID) -> Any:
        """List an account's transfers, the latest to count first."""
        with current().database.sessions() as session:
            find_account(session, account_id)
            page = transfers_of(session, account_id, **asked)
            return {"transfers": page.rows}, 200, _links(page, asked, account_id=account_id)


@blueprint.route("/transfers/<uuid:transfer_id>")
class OneTransfer(_Reading):
    """One transfer."""

    @read(TransferSchema)
    def get(self, transfer_id: UUID) -> Any:
        """Read one transfer."""
        with current().database.sessions() as session:
            return find_transfer(session, transfer_id)


@blueprint.route("/transfers/<uuid:transfer_id>/chain")
class TransferChain(_Reading):
    """What a transfer corrects, and what corrects it."""

    @read(TransfersSchema)
    def get(self, transfer_id: UUID) -> Any:
        """Read a transfer with all that it takes back and all that takes it back, oldest first."""
        with current().database.sessions() as session:
            return {"transfers": chain(session, transfer_id)}


@blueprint.route("/transfers/<uuid:transfer_id>/proof")
class TransferProof(_Reading):
    """That a transfer is in the sealed log."""

    @read(ProofSchema)
    @blueprint.alt_response(409, response="CONFLICT")
    def get(self, transfer_id: UUID) -> Any:
        """Prove that a transfer is below the latest checkpoint; 409 while it isn't sealed yet."""
        with current().database.sessions() as session:
            find_transfer(session, transfer_id)
            proof = proof_for(session, transfer_id)
        if proof is None:
            raise NotSealedYet()
        return proof_as_json(proof)


@blueprint.route("/checkpoints/latest")
class LatestCheckpoint(_Reading):
    """The latest checkpoint."""

    @read(CheckpointSchema)
    def get(self) -> Any:
        """Read the latest checkpoint, and what isn't sealed yet."""
        with current().database.sessions() as session:
            checkpoint = latest_checkpoint(session)
            state = seal_state(session, current().clock.now())
        if checkpoint is None:
            raise NoCheckpointYet()
        return {
            "size": checkpoint.size,
            "note": checkpoint.note,
            "recorded_at": checkpoint.recorded_at,
            "unsealed": state.unsealed,
            "unsealed_seconds": state.unsealed_seconds,
        }


@blueprint.route("/calls-for-funds")
class CallsForFunds(_Reading):
    """Calls for funds."""

    @read(CallsSchema, query=CallsQuerySchema)
    def get(self, asked: dict[str, Any]) -> Any:
        """List what a paying envelope asked of another funder's, oldest first."""
        with current().database.sessions() as session:
            return {"calls": calls(session, asked["envelope"], asked["paying_envelope"])}


def proof_as_json(proof: Proof) -> dict[str, Any]:
    """Return a proof as the API and the download give it: hashes in hexadecimal."""
    return {
        "transfer_id": proof.transfer_id,
        "leaf": proof.leaf.decode("ascii"),
        "leaf_hash": proof.leaf_hash.hex(),
        "index": proof.index,
        "size": proof.size,
        "path": [each.hex() for each in proof.path],
        "note": proof.note,
    }


def _links(page: Page[Any], asked: dict[str, Any], **place: Any) -> dict[str, str]:
    """Return the `Link` header (RFC 8288) to the next page, if there is one."""
    if page.after is None:
        return {}
    kept = {name: value for name, value in asked.items() if value is not None}
    address = url_for(str(request.endpoint), **place, **(kept | {"after": page.after}))
    return {"Link": f'<{address}>; rel="next"'}
