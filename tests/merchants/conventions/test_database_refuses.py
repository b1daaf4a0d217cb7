"""The second line of defence: plain SQL by whoever is connected."""

import psycopg
import pytest

INSERT = (
    "INSERT INTO merchants.convention_transition "
    "(convention_id, number, from_state, to_state, reason, at) "
    "SELECT id, {number}, {before}, '{after}', 'x', {at} FROM merchants.convention"
)
LATER = "TIMESTAMPTZ '2030-01-01 00:00Z'"
EARLIER = "TIMESTAMPTZ '2020-01-01 00:00Z'"


@pytest.fixture
def draft(add_shop):
    return add_shop(convention="draft")


@pytest.mark.parametrize(
    ("number", "before", "after", "dated"),
    [
        (2, "'draft'", "suspended", LATER),  # not allowed
        (2, "'active'", "suspended", LATER),  # allowed, but it isn't active
        (3, "'draft'", "active", LATER),  # a number left out
        (1, "NULL", "draft", LATER),  # begun twice
        (2, "NULL", "active", LATER),  # from nothing
        (2, "'draft'", "active", EARLIER),  # before the last one
    ],
)
def test_a_transition_that_cannot_follow_is_refused(
    draft, test_database, number, before, after, dated
):
    with (
        psycopg.connect(test_database.url("postgres")) as connection,
        pytest.raises(psycopg.Error) as refused,
    ):
        connection.execute(INSERT.format(number=number, before=before, after=after, at=dated))
    assert refused.value.sqlstate == "SM001"


def test_the_same_statement_passes_when_the_transition_is_right(draft, test_database):
    right = INSERT.format(number=2, before="'draft'", after="active", at=LATER)
    with psycopg.connect(test_database.url()) as connection:
        assert connection.execute(right).rowcount == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE merchants.convention_transition SET to_state = 'active'",
        "DELETE FROM merchants.convention_transition",
        "UPDATE merchants.convention_version SET parameters = '{\"categories\": []}'",
        "DELETE FROM merchants.convention_version",
        "TRUNCATE merchants.convention_transition",
        "UPDATE merchants.convention_allowed SET to_state = 'active'",
    ],
)
def test_what_happened_is_never_edited_even_by_an_administrator(draft, test_database, statement):
    with (
        psycopg.connect(test_database.url("postgres")) as connection,
        pytest.raises(psycopg.Error) as refused,
    ):
        connection.execute(statement)
    assert refused.value.sqlstate == "SP001"


def test_the_application_cannot_allow_itself_a_transition(draft, test_database):
    with (
        psycopg.connect(test_database.url()) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("INSERT INTO merchants.convention_allowed VALUES ('draft', 'suspended')")
