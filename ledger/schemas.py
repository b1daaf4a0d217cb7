"""The shapes of the ledger on the API. Amounts are integers in units of the asset: cents for EUR."""

from marshmallow import Schema, fields, validate

from ledger.model import ACCOUNT_KINDS

MOST_ROWS = 500


class PageQuerySchema(Schema):
    """Which page of a list."""

    after = fields.UUID(
        load_default=None, metadata={"description": "The last id of the page before."}
    )
    limit = fields.Integer(
        load_default=100, validate=validate.Range(min=1, max=MOST_ROWS, error="limit_out_of_range")
    )


class AccountsQuerySchema(PageQuerySchema):
    """Which accounts."""

    kind = fields.String(
        load_default=None, validate=validate.OneOf(ACCOUNT_KINDS, error="kind_unknown")
    )


class AsOfQuerySchema(Schema):
    """As of which moment, on either clock; both may be given."""

    counted_before = fields.AwareDateTime(
        load_default=None, metadata={"description": "Only what counts before this moment."}
    )
    recorded_before = fields.AwareDateTime(
        load_default=None, metadata={"description": "Only what was recorded before this moment."}
    )


class CallsQuerySchema(Schema):
    """Between which two envelopes."""

    envelope = fields.UUID(required=True)
    paying_envelope = fields.UUID(required=True)


class AccountSchema(Schema):
    """One account. Whose it is isn't said here: the ledger knows no names."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True)
    asset = fields.String(required=True)
    guarded = fields.Boolean(required=True)
    floor = fields.Integer(required=True)
    share_plan_id = fields.UUID(required=True, allow_none=True)
    backs_id = fields.UUID(required=True, allow_none=True)
    unit_cents = fields.Integer(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)


class AccountsSchema(Schema):
    """A page of accounts; the `Link` header leads to the next."""

    accounts = fields.List(fields.Nested(AccountSchema), required=True)


class AccountWithBalanceSchema(AccountSchema):
    """One account and what it held at the moment asked for. held: set apart by holds, now."""

    balance = fields.Integer(required=True)
    held = fields.Integer(required=True, allow_none=True)
    counted_before = fields.AwareDateTime(required=True, allow_none=True)
    recorded_before = fields.AwareDateTime(required=True, allow_none=True)


class TransferSchema(Schema):
    """One transfer, as it is sealed."""

    id = fields.UUID(required=True)
    debit_account_id = fields.UUID(required=True)
    credit_account_id = fields.UUID(required=True)
    amount = fields.Integer(required=True)
    kind = fields.String(required=True)
    correlation_id = fields.UUID(required=True)
    corrects_id = fields.UUID(required=True, allow_none=True)
    hold_id = fields.UUID(required=True, allow_none=True)
    happened_at = fields.AwareDateTime(required=True, allow_none=True)
    counts_at = fields.AwareDateTime(required=True)
    recorded_at = fields.AwareDateTime(required=True)


class TransfersSchema(Schema):
    """Some transfers; where there is a next page, the `Link` header leads to it."""

    transfers = fields.List(fields.Nested(TransferSchema), required=True)


class CheckpointSchema(Schema):
    """A signed checkpoint of the sealed log (C2SP tlog-checkpoint)."""

    size = fields.Integer(required=True)
    note = fields.String(required=True)
    recorded_at = fields.AwareDateTime(required=True)
    unsealed = fields.Integer(required=True)
    unsealed_seconds = fields.Float(required=True)


class ProofSchema(Schema):
    """An inclusion proof (RFC 9162): leaf, path and checkpoint, to be checked without us."""

    transfer_id = fields.UUID(required=True)
    leaf = fields.String(required=True, metadata={"description": "The very line that is hashed."})
    leaf_hash = fields.String(required=True, metadata={"description": "SHA-256, hexadecimal."})
    index = fields.Integer(required=True, metadata={"description": "The leaf's place, from 0."})
    size = fields.Integer(required=True)
    path = fields.List(fields.String(), required=True)
    note = fields.String(required=True)


class CallSchema(Schema):
    """A call for funds, as it was made."""

    id = fields.UUID(required=True)
    envelope_id = fields.UUID(required=True)
    paying_envelope_id = fields.UUID(required=True)
    counted_before = fields.AwareDateTime(required=True)
    borne_cents = fields.Integer(required=True)
    called_cents = fields.Integer(required=True)
    recorded_at = fields.AwareDateTime(required=True)


class CallsSchema(Schema):
    """The calls between two envelopes, oldest first."""

    calls = fields.List(fields.Nested(CallSchema), required=True)
