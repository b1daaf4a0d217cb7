"""The table of decisions: the database itself refuses what the program must not do."""

from uuid import UUID

import psycopg
import pytest

from sesame.platform.database.connection import APPLICATION_ROLE, OWNER_ROLE, READER_ROLE

COLUMNS = (
    "id, at, terminal_id, site_id, merchant_id, payee_id, convention_version_id, beneficiary_id,"
    " card_id, token_id, proof_nonce, key, authorisation, outcome, amount_cents, approved_cents,"
    " accept_partial, reasons, lines, figures, programme_version_ids, transfer_ids"
)
CHANGES = (
    "UPDATE merchants.decision SET approved_cents = 1, amount_cents = 1",
    "DELETE FROM merchants.decision",
    "TRUNCATE merchants.decision",
)


@pytest.fixture
def decision_id(town):
    return UUID(town.answer(("textbooks", 500))["purchase_id"])


def run(town, statement, *values, role=APPLICATION_ROLE):
    with psycopg.connect(town.test_database.url(role), autocommit=True) as connection:
        return connection.execute(statement, values).fetchall()


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("role", [APPLICATION_ROLE, READER_ROLE])
def test_nobody_but_the_owner_is_even_allowed_to_change_a_decision(town, decision_id, change, role):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        run(town, change, role=role)
    assert town.kept("id, approved_cents") == [(decision_id, 500)]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("role", [OWNER_ROLE, "postgres"])
def test_a_trigger_stops_the_owner_and_the_administrator(town, decision_id, change, role):
    with pytest.raises(psycopg.DatabaseError, match="only ever appended"):
        run(town, change, role=role)
    assert town.kept("id, approved_cents") == [(decision_id, 500)]


def test_the_reader_reads_and_adds_nothing(town, decision_id):
    count = "SELECT count(*) FROM merchants.decision WHERE id = %s"
    assert run(town, count, decision_id, role=READER_ROLE) == [(1,)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        run(town, copied(), decision_id, role=READER_ROLE)


def copied(**changed):
    """A statement that adds the decision once more under another id, with columns changed."""
    fresh = {"id": "gen_random_uuid()", "proof_nonce": "'\\x00'::bytea"} | changed
    columns = [fresh.get(name.strip(), name.strip()) for name in COLUMNS.split(",")]
    return (
        f"INSERT INTO merchants.decision ({COLUMNS}) SELECT {', '.join(columns)}"
        " FROM merchants.decision WHERE id = %s RETURNING 1"
    )


# PostgreSQL tries the checks of a row in the order of their names.
DISAGREEING = [
    ({"outcome": "'maybe'"}, "ck_decision_outcome"),
    ({"amount_cents": "0", "approved_cents": "0"}, "ck_decision_amount"),
    ({"amount_cents": "-500", "approved_cents": "-500"}, "ck_decision_amount"),
    ({"approved_cents": "501", "outcome": "'partial'"}, "ck_decision_approved"),
    ({"approved_cents": "-1", "outcome": "'partial'"}, "ck_decision_approved"),
    ({"outcome": "'refused'"}, "ck_decision_refused_is_nothing"),
    ({"outcome": "'partial'", "approved_cents": "0"}, "ck_decision_refused_is_nothing"),
    ({"outcome": "'partial'"}, "ck_decision_whole"),
    ({"approved_cents": "499"}, "ck_decision_whole"),
]


@pytest.mark.parametrize(("changed", "constraint"), DISAGREEING)
def test_a_decision_whose_figures_disagree_is_refused(town, decision_id, changed, constraint):
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        run(town, copied(**changed), decision_id)
    assert refused.value.diag.constraint_name == constraint
    assert town.kept("id") == [(decision_id,)]


@pytest.mark.parametrize(
    ("changed", "accepted"),
    [
        ({}, True),
        ({"outcome": "'partial'", "approved_cents": "499"}, True),
        ({"outcome": "'refused'", "approved_cents": "0"}, True),
        ({"proof_nonce": "proof_nonce"}, False),
        ({"proof_nonce": "proof_nonce", "outcome": "'refused'", "approved_cents": "0"}, True),
        ({"id": "id"}, False),
    ],
)
def test_a_proof_pays_once_but_may_be_refused_often(town, decision_id, changed, accepted):
    if accepted:
        assert run(town, copied(**changed), decision_id) == [(1,)]
    else:
        with pytest.raises(psycopg.errors.UniqueViolation):
            run(town, copied(**changed), decision_id)


def test_every_check_of_the_table_has_refused_a_row_above(town):
    names = town.sql(
        "SELECT conname FROM pg_constraint"
        " WHERE conrelid = 'merchants.decision'::regclass AND contype = 'c'"
    )
    assert {name for (name,) in names} == {constraint for _, constraint in DISAGREEING}
