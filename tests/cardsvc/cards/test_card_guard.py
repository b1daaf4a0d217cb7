"""Nobody moves a card without a trace: neither who only reads, nor the application itself."""

from uuid import uuid4

import psycopg
import pytest

from cardsvc.cards import open_card
from sesame.platform.database import unit_of_work
from sesame.platform.database.connection import APPLICATION_ROLE, OWNER_ROLE, READER_ROLE

# The application owns its broker's schema, and may make tables there.
PLACES = [(READER_ROLE, "pg_temp.door"), (APPLICATION_ROLE, "pgmq.door")]


@pytest.fixture
def card_id(database, beneficiary, at):
    with unit_of_work(database) as session:
        return open_card(session, beneficiary, at)


@pytest.fixture
def owner(test_database):
    with psycopg.connect(test_database.url(OWNER_ROLE), autocommit=True) as connection:
        yield connection


@pytest.fixture(autouse=True)
def temporary_tables(test_database):
    """Allowed to everyone, as on a server whose administrator left it so."""
    with psycopg.connect(test_database.url("postgres"), autocommit=True) as connection:
        connection.execute(f"GRANT TEMPORARY ON DATABASE {test_database.name} TO PUBLIC")


@pytest.fixture
def state(owner, card_id):
    """The card's state, and how many transitions it has."""

    def read():
        return owner.execute(
            "SELECT state, (SELECT count(*) FROM cardsvc.card_transition WHERE card_id = c.id) "
            "FROM cardsvc.card c WHERE id = %s",
            [card_id],
        ).fetchone()

    return read


def make_door(connection, table):
    """A table of one's own that has the cards' function as its trigger."""
    connection.execute(f"CREATE TABLE {table} (card_id uuid, from_state text, to_state text)")
    connection.execute(
        f"CREATE TRIGGER opens AFTER INSERT ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION cardsvc.move_card()"
    )


@pytest.mark.parametrize(("role", "table"), PLACES)
def test_the_function_that_moves_cards_is_nobody_elses_trigger(test_database, state, role, table):
    with psycopg.connect(test_database.url(role), autocommit=True) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="move_card"):
            make_door(connection, table)
    assert state() == ("active", 0)


@pytest.mark.parametrize(("role", "table"), PLACES)
def test_even_where_it_was_made_one_it_moves_nothing(
    test_database, owner, card_id, state, role, table
):
    owner.execute(f"GRANT EXECUTE ON FUNCTION cardsvc.move_card() TO {role}")
    with psycopg.connect(test_database.url(role), autocommit=True) as connection:
        make_door(connection, table)
        with pytest.raises(psycopg.DatabaseError) as refused:
            connection.execute(f"INSERT INTO {table} VALUES (%s, 'active', 'blocked')", [card_id])
    assert refused.value.sqlstate == "SC001"
    assert state() == ("active", 0)


def test_a_transition_that_is_not_kept_moves_nothing(database, card_id, state, at):
    insert = (
        "INSERT INTO cardsvc.card_transition (id, card_id, from_state, to_state, reason, at) "
        "VALUES (%s, %s, %s, %s, 'a_test', %s) ON CONFLICT DO NOTHING"
    )
    first = uuid4()
    with database.one_statement() as connection:
        connection.execute(insert, (first, card_id, "active", "blocked", at))
        connection.execute(insert, (first, card_id, "blocked", "active", at))
    assert state() == ("blocked", 1)


def test_no_function_that_runs_as_the_owner_is_open_to_all(owner):
    functions = owner.execute(
        "SELECT p.oid::regprocedure::text, has_function_privilege('public', p.oid, 'EXECUTE'), "
        "       coalesce(array_to_string(p.proconfig, ';'), '') LIKE 'search_path=%' "
        "  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
        " WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
    ).fetchall()
    assert ("cardsvc.move_card()", False, True) in functions
    assert {tuple(each[1:]) for each in functions} == {(False, True)}
