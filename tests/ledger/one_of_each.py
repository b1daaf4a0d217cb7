"""One sound row for each of the ledger's tables, and for each rule a row or statement that breaks it.

Written in SQL literals, for tests that go around the code. A table, constraint or trigger that comes
later has no place here, and `test_database_says_no.py` fails until it has.
"""


def uid(number: int) -> str:
    """An id of the year 2026, as a literal."""
    return f"'019b8d62-7a80-7000-8000-{number:012x}'"


def insert(table: str, row: dict[str, str]) -> str:
    return f"INSERT INTO ledger.{table} ({', '.join(row)}) VALUES ({', '.join(row.values())})"


JANUARY, FEBRUARY, MARCH = "'2026-01-01Z'", "'2026-02-01Z'", "'2026-03-01Z'"
FUNDING, ENVELOPE, OTHER_ENVELOPE, ENTITLEMENT, TICKETS, BACKING, ISSUED, PAYABLE = map(
    uid, range(8)
)
PLAN, TRANSFER, HOLD = uid(100), uid(200), uid(300)
HASH = r"'\x" + "ab" * 32 + "'"

_ACCOUNT = {
    "id": FUNDING, "asset": "'EUR'", "kind": "'funding'", "guarded": "false",
    "share_plan_id": "NULL", "floor": "0", "backs_id": "NULL", "unit_cents": "NULL",
    "created_at": JANUARY,
}  # fmt: skip
_ENVELOPE = _ACCOUNT | {"id": ENVELOPE, "kind": "'envelope'", "guarded": "true"}
_ENTITLEMENT = _ENVELOPE | {"id": ENTITLEMENT, "kind": "'entitlement'", "share_plan_id": PLAN}
_TICKETS = _ENTITLEMENT | {"id": TICKETS, "asset": "'CINEMA'", "unit_cents": "650"}
_ISSUED = _ACCOUNT | {"id": ISSUED, "asset": "'CINEMA'", "kind": "'issued'"}

# In an order in which foreign keys are met. Each table's first row is the one that is broken.
ROWS = {
    "share_plan": [{"id": PLAN, "created_at": JANUARY}],
    "account": [
        _ENTITLEMENT, _ACCOUNT, _ENVELOPE, _ENVELOPE | {"id": OTHER_ENVELOPE}, _TICKETS, _ISSUED,
        _ENTITLEMENT | {"id": BACKING, "kind": "'backing'", "backs_id": TICKETS},
        _ACCOUNT | {"id": PAYABLE, "kind": "'payable'"},
    ],
    "share": [
        {"share_plan_id": PLAN, "position": "1", "envelope_id": ENVELOPE, "weight": "60"},
    ],
    "balance": [{"account_id": ENTITLEMENT, "balance": "7000", "held": "100", "floor": "0"}],
    "transfer": [
        {
            "id": TRANSFER, "debit_account_id": ENVELOPE, "credit_account_id": ENTITLEMENT,
            "amount": "7000", "kind": "'grant'", "correlation_id": uid(1000), "corrects_id": "NULL",
            "hold_id": "NULL", "happened_at": "NULL", "counts_at": JANUARY, "recorded_at": JANUARY,
            "recorded_in": "7",
        },
    ],
    "idempotency": [
        {
            "scope": "'purchase'", "key": "'key-00000001'", "content_hash": HASH,
            "outcome": "'\"posted\"'", "recorded_at": JANUARY,
        },
    ],
    "hold": [
        {
            "id": HOLD, "account_id": ENTITLEMENT, "credit_account_id": PAYABLE, "amount": "100",
            "captured": "40", "several": "true", "lapses_at": FEBRUARY, "correlation_id": uid(1001),
            "state": "'open'", "recorded_at": JANUARY, "ended_at": "NULL",
        },
    ],
    "corrected": [{"transfer_id": TRANSFER, "amount": "7000", "corrected": "10"}],
    "closing": [{"closed_before": FEBRUARY, "recorded_at": FEBRUARY, "closed_by": "NULL"}],
    "balance_checkpoint": [
        {"account_id": ENTITLEMENT, "counts_before": FEBRUARY, "balance": "7000"},
    ],
    "checkpointing": [{"counts_before": FEBRUARY, "accounts": "1", "recorded_at": FEBRUARY}],
    "seal_bundle": [
        {
            "number": "0", "transfer_ids": f"ARRAY[{TRANSFER}]::uuid[]", "hashes": HASH,
            "lowest_id": TRANSFER, "highest_id": TRANSFER,
        },
    ],
    "seal_tile": [{"level": "1", "number": "0", "hashes": HASH}],
    "seal_round": [
        {
            "size": "1", "root": HASH, "snapshot": "'1:1:'", "system_identifier": "'1'",
            "started_over": "false", "recorded_at": JANUARY,
        },
    ],
    "checkpoint": [
        {"size": "1", "note": "'signed'", "time_stamp": "NULL", "recorded_at": JANUARY},
    ],
    "archived_year": [
        {
            "year": "2016", "transfers": "5", "export_manifest_sha256": HASH,
            "archived_at": JANUARY,
        },
    ],
    "call_for_funds": [
        {
            "id": uid(400), "envelope_id": OTHER_ENVELOPE, "paying_envelope_id": ENVELOPE,
            "counted_before": JANUARY, "borne_cents": "20", "called_cents": "10",
            "recorded_at": JANUARY,
        },
    ],
    "envelope_month": [
        {
            "envelope_id": ENVELOPE, "counts_before": FEBRUARY, "counts_from": JANUARY,
            "funded_cents": "1", "granted_cents": "1", "expired_cents": "1",
            "given_back_cents": "1", "spent_cents": "1", "recorded_at": FEBRUARY,
        },
    ],
    "threshold": [
        {"account_id": ENVELOPE, "set_at": JANUARY, "below_cents": "100", "set_by": "NULL"},
    ],
    "threshold_warning": [
        {
            "id": uid(500), "account_id": ENVELOPE, "below_cents": "100", "balance_cents": "90",
            "noticed_at": JANUARY,
        },
    ],
}  # fmt: skip

# CHECK constraints, and unique ones that aren't the primary key: what of the first row is changed, so
# that this rule and no other is broken.
BROKEN = {
    "ck_account_kind": {"kind": "'gift'"},
    "ck_account_asset": {"asset": "'eur'", "unit_cents": "1"},
    "ck_account_entitlements_are_guarded": {"guarded": "false"},
    "ck_account_floor": {"floor": "-1"},
    "ck_account_backing": {"kind": "'backing'"},
    "ck_account_face_value": {"unit_cents": "5"},
    "ck_account_euro_kinds": {"asset": "'CINEMA'", "kind": "'payable'"},
    "ck_account_ticket_kinds": {"kind": "'used'"},
    "uq_account_backs_id": {"kind": "'backing'", "backs_id": TICKETS},
    "uq_account_asset_kind": {"asset": "'CINEMA'", "kind": "'issued'"},
    "ck_share_weight": {"weight": "0", "position": "2", "envelope_id": OTHER_ENVELOPE},
    "ck_share_position": {"position": "0", "envelope_id": OTHER_ENVELOPE},
    "uq_share_share_plan_id_envelope_id": {"position": "2"},
    "ck_balance_never_below_floor": {"balance": "99"},
    "ck_balance_held": {"held": "-1"},
    "ck_transfer_amount": {"amount": "0"},
    "ck_transfer_two_accounts": {"credit_account_id": ENVELOPE},
    "ck_transfer_kind": {"kind": "'gift'"},
    "ck_idempotency_key": {"key": "'short'"},
    "ck_hold_amount": {"amount": "0", "captured": "0"},
    "ck_hold_captured": {"captured": "101"},
    "ck_hold_state": {"state": "'forgotten'", "ended_at": FEBRUARY},
    "ck_hold_ended": {"state": "'voided'"},
    "ck_hold_lapses_at": {"lapses_at": JANUARY},
    "ck_corrected_within_the_transfer": {"corrected": "7001"},
    "ck_closing_not_ahead": {"closed_before": MARCH},
    "ck_checkpointing_accounts": {"accounts": "-1"},
    "ck_seal_bundle_number": {"number": "-1"},
    "ck_seal_bundle_leaves": {"hashes": r"'\xab'"},
    "ck_seal_bundle_range": {"lowest_id": uid(201)},
    "ck_seal_tile_place": {"level": "0"},
    "ck_seal_tile_hashes": {"hashes": r"'\xab'"},
    "ck_seal_round_size": {"size": "0"},
    "ck_seal_round_root": {"root": r"'\xab'"},
    "ck_archived_year_transfers": {"transfers": "-1"},
    "ck_call_for_funds_two_envelopes": {"envelope_id": ENVELOPE},
    "ck_call_for_funds_called": {"called_cents": "21"},
    "ck_call_for_funds_not_ahead": {"counted_before": MARCH},
    "ck_envelope_month_period": {"counts_from": MARCH},
    "ck_threshold_below": {"below_cents": "0"},
    "ck_threshold_warning_below": {"below_cents": "0"},
}

# Triggers with rules of their own: statements that each of them refuses.
_NOBODY = uid(999)
REFUSED = {
    "account_added": [
        insert("account", _ENTITLEMENT | {"id": uid(20), "share_plan_id": _NOBODY}),
        insert("account", _ENTITLEMENT | {"id": uid(20), "kind": "'backing'", "backs_id": _NOBODY}),
    ],
    "balance_added": [
        insert("balance", {"account_id": _NOBODY, "balance": "1", "held": "0", "floor": "0"}),
    ],
    "hold_rules": [
        "UPDATE ledger.hold SET captured = captured - 1",
        "UPDATE ledger.hold SET amount = amount + 1",
        "UPDATE ledger.hold SET lapses_at = lapses_at + interval '1 day'",
        f"UPDATE ledger.hold SET credit_account_id = {ENVELOPE}",
        "UPDATE ledger.hold SET several = NOT several",
        "DELETE FROM ledger.hold",
    ],
    "corrected_rules": [
        "UPDATE ledger.corrected SET corrected = corrected - 1",
        "UPDATE ledger.corrected SET amount = amount + 1, corrected = corrected + 1",
        "DELETE FROM ledger.corrected",
    ],
    "closing_rules": [
        f"INSERT INTO ledger.closing VALUES ({JANUARY}, {FEBRUARY}, NULL)",
        f"INSERT INTO ledger.closing VALUES ({FEBRUARY}, {MARCH}, NULL)",
    ],
    "seal_bundle_rules": [
        f"UPDATE ledger.seal_bundle SET hashes = {HASH[:-3]}cd'",
        "UPDATE ledger.seal_bundle SET transfer_ids = ARRAY[gen_random_uuid()]",
        "DELETE FROM ledger.seal_bundle",
        "INSERT INTO ledger.seal_bundle SELECT 2, transfer_ids, hashes, lowest_id, highest_id"
        " FROM ledger.seal_bundle",
    ],
    "seal_tile_rules": [
        f"UPDATE ledger.seal_tile SET hashes = {HASH[:-3]}cd'",
        "UPDATE ledger.seal_tile SET number = 1",
        "DELETE FROM ledger.seal_tile",
    ],
}

# A guarded account's balance is the one thing that changes in place.
CHANGES_IN_PLACE = {"balance"}
VIEWS = {"every_transfer"}


def base(table: str) -> str:
    """The table that a partition or a view shows rows of."""
    return "transfer" if table in VIEWS or table.startswith("transfer_") else table
