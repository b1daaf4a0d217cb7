"""What each of the three roles may do, asked of the database itself."""

import psycopg
import pytest
from psycopg import errors

from sesame.migrations.run import prepare_server
from sesame.platform.database.connection import APPLICATION_ROLE, OWNER_ROLE, READER_ROLE

ROOMS = ("platform", "ledger", "cardsvc", "merchants")
TABLES = (
    "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r', 'p') AND n.nspname = ANY(%s) ORDER BY 1"
)
# Guarded against UPDATE and DELETE alike (bits 16 and 8 of a trigger's type), whatever the row.
APPENDED_ONLY = (
    "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger "
    "WHERE tgfoid = 'platform.refuse_change'::regproc AND tgtype & 24 = 24 AND tgqual IS NULL ORDER BY 1"
)


# Hashes of secrets, and who has tried what: nothing that a report is made of.
HIDDEN = {
    ("platform", "identity"): {"password_hash"},
    ("platform", "session"): {"*"},
    ("platform", "failed_attempt"): {"*"},
    ("cardsvc", "roll_code"): {"code_hash", "used_by_hash"},
    ("merchants", "terminal_code"): {"code_hash"},
}
# Of a whole request, file or programme: they tell nothing that the reader may not read.
OF_CONTENTS = {
    ("ledger", "idempotency", "content_hash"),
    ("cardsvc", "programme_version", "content_hash"),
    ("cardsvc", "roll", "file_hash"),
    ("ledger", "seal_bundle", "hashes"),
    ("ledger", "seal_tile", "hashes"),
}
COLUMNS = (
    "SELECT table_schema, table_name, column_name FROM information_schema.columns "
    "WHERE table_schema = ANY(%s) ORDER BY 1, 2, ordinal_position"
)


def connect(test_database, role):
    return psycopg.connect(test_database.url(role), autocommit=True)


@pytest.mark.parametrize("role", [APPLICATION_ROLE, READER_ROLE])
@pytest.mark.parametrize("schema", [*ROOMS, "public"])
def test_only_the_owner_makes_tables(test_database, role, schema):
    with connect(test_database, role) as connection:
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute(f"CREATE TABLE {schema}.smuggled (id int)")


@pytest.mark.parametrize("statement", ["DROP TABLE {}", "ALTER TABLE {} DISABLE TRIGGER ALL"])
def test_the_application_can_not_take_a_guard_away(test_database, statement):
    with connect(test_database, APPLICATION_ROLE) as connection:
        for table in ("ledger.transfer", "merchants.decision", "platform.job"):
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(statement.format(table))


def test_the_reader_reads_every_column_but_the_secrets(test_database):
    with connect(test_database, OWNER_ROLE) as connection:
        columns = connection.execute(COLUMNS, [list(ROOMS)]).fetchall()
    assert len(columns) > 150
    with connect(test_database, READER_ROLE) as connection:
        for schema, table, column in columns:
            hidden = HIDDEN.get((schema, table), set())
            statement = f"SELECT {column} FROM {schema}.{table} LIMIT 1"
            if hidden & {column, "*"}:
                with pytest.raises(errors.InsufficientPrivilege):
                    connection.execute(statement)
                    pytest.fail(statement)
            else:
                connection.execute(statement)


def test_every_hash_is_hidden_from_the_reader_or_is_of_no_secret(test_database):
    with connect(test_database, OWNER_ROLE) as connection:
        columns = connection.execute(COLUMNS, [list(ROOMS)]).fetchall()
    hashes = {each for each in columns if "hash" in each[2]}
    hidden = {each for each in hashes if HIDDEN.get(each[:2], set()) & {each[2], "*"}}
    assert hashes - hidden == OF_CONTENTS


@pytest.mark.parametrize("role", [APPLICATION_ROLE, READER_ROLE])
@pytest.mark.parametrize("made", ["TEMPORARY TABLE smuggled (id int)", "SCHEMA smuggled"])
def test_nobody_makes_tables_or_schemas_of_their_own(address_in_house, role, made):
    with psycopg.connect(address_in_house(role), autocommit=True) as connection:
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute(f"CREATE {made}")


def test_a_stranger_does_not_even_connect(address_in_house, server):
    superuser = server.url("postgres", "postgres")
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("CREATE ROLE stranger LOGIN")
    try:
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(address_in_house("stranger"))
    finally:
        with psycopg.connect(superuser, autocommit=True) as connection:
            connection.execute("DROP ROLE stranger")


@pytest.fixture
def address_in_house(server):
    """Return a function that gives the address, for a role, of a database that `prepare_server` has
    put right: it was open to everybody before.
    """
    superuser = server.url("postgres", "postgres")
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE house OWNER {OWNER_ROLE}")
    prepare_server(superuser, "house")
    yield lambda role: server.url(role, "house")
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("DROP DATABASE house WITH (FORCE)")


def test_the_reader_changes_no_table(test_database):
    with connect(test_database, READER_ROLE) as connection:
        tables = [row[0] for row in connection.execute(TABLES, [list(ROOMS)])]
        assert len(tables) > 20
        for table in tables:
            for change in (
                f"DELETE FROM {table}",
                f"TRUNCATE {table}",
                f"INSERT INTO {table} DEFAULT VALUES",
            ):
                with pytest.raises(errors.InsufficientPrivilege):
                    connection.execute(change)


def test_what_is_appended_is_never_changed_by_the_application_nor_quietly_by_the_owner(
    test_database,
):
    with connect(test_database, APPLICATION_ROLE) as connection:
        guarded = [row[0] for row in connection.execute(APPENDED_ONLY)]
        assert {"ledger.transfer", "merchants.decision"} <= set(guarded)
        for table in guarded:
            for change in (f"DELETE FROM {table}", f"TRUNCATE {table}"):
                with pytest.raises(errors.InsufficientPrivilege):
                    connection.execute(change)
                    pytest.fail(change)
    with connect(test_database, OWNER_ROLE) as connection:
        for table in guarded:
            with pytest.raises(psycopg.Error) as refused:
                connection.execute(f"TRUNCATE {table} CASCADE")
            assert refused.value.sqlstate == "SP001", table
