"""Names that vulture finds no use of, and what uses them. tests/checks/test_unused.py keeps it true."""

from typing import Any


class _Anything:
    """Has every name."""

    def __getattr__(self, name: str) -> Any: ...


_ = _Anything()

# Columns: written here, read by SQL, by an auditor, or by the next version; the classes are tables.
_COLUMNS = (
    _.CapUsage, _.Idempotency, _.RollLine, _.academy, _.changed_pupils, _.convention_version_id,
    _.error_code, _.finished_at, _.grant_batch_id, _.granted_at, _.issuer_key_id, _.left_pupils,
    _.nature_code, _.new_pupils, _.noticed_at, _.only_one, _.published_at, _.published_by, _.recorded_at, _.sector,
    _.skipped_pupils, _.unchanged_pupils, _.used_cents,
    _.SealBundle, _.SealTile, _.highest_id, _.lowest_id, _.started_over, _.system_identifier,
    _.transfer_ids,
)  # fmt: skip

# What templates show.
_TEMPLATES = (
    _.begins_in_days, _.buys, _.class_after, _.class_before, _.code_state,
    _.elapsed_percent, _.labelled, _.lasts_until, _.more_sales, _.pace_cents_a_day, _.part_cents,
    _.unspent_cents, _.ends_in_days, _.expires_soon, _.last_day, _.last_four, _.paid_cents,
    _.pays, _.refused_count, _.scheme_name, _.school_name, _.spent_cents, _.spent_percent,
    _.unallocated_cents,
)  # fmt: skip

# Fields of JSON bodies, by marshmallow.
_JSON = (
    _.crv, _.currency, _.data_key, _.decided_at, _.en, _.fr, _.kid, _.kty, _.max_purchase_cents,
    _.payment_delay_days, _.paying_envelope, _.remaining_cents, _.server_time,
)  # fmt: skip

# Called or read by a library under this name: SQLAlchemy, Flask, Flask-Babel, flask-smorest, Babel,
# http.server, zipfile.
_LIBRARIES = (
    _.oid, _.itersize,  # psycopg's
    _.ARGUMENTS_PARSER, _.ERROR_SCHEMA, _._register_responses, _.camera_page, _.compress_type, _.daemon_threads,
    _.domain_instance, _.extract, _.fields_, _.get_translations, _.log_message, _.max_content_length,
    _.mimetype, _.permanent,
    _.request_began, _.server_bind, _.session_interface, _.server_name, _.timeout, _.type_annotation_map, _.ugettext,
    _.ungettext,
)  # fmt: skip

# Read for what reading them registers.
_REGISTERED = (_.jobs,)

# Declared for their codes: the table of reasons is filled by importing them.
_REASONS = (_.InputInvalid, _.LINE_REASONS, _.REFUSALS, _.SKIP_REASONS)

# For programs beside the packages (tests, measurements): a clock to move, the server's own programs,
# the other side of a proof, the table of reasons, a setting.
_BESIDE = (
    _.CLAIM_TOTALS, _.MovableClock, _.advance, _.declared_reasons, _.encode_presentation, _.expected_cents,
    _.location, _.make_proof, _.real_data, _.run_program, _.verify_token,
)  # fmt: skip

# Published by a room for the rooms above it, which don't call them yet.
_PUBLISHED = (
    _.amend_convention, _.current_convention, _.plan_for,
    # the ledger's
    _.cancel, _.capture_hold, _.capture_tickets, _.correct_fund, _.counts_when, _.post_batch, _.post_keyed,
    _.post_ticket_grants, _.refund, _.refund_tickets, _.regrant, _.reserve, _.return_payment, _.void_hold,
    _.withdraw,
)  # fmt: skip

# Tables that SQL functions write and read.
_BY_SQL = (
    _.ArchivedYear, _.BalanceCheckpoint, _.Checkpointing, _.Corrected, _.Hold, _.SharePlan, _.archived_at,
    _.closed_by, _.export_manifest_sha256, _.recorded_in,
)  # fmt: skip
