"""Going around the code with plain SQL: the database refuses by itself.

The catalogue says what there is to refuse: a table, constraint, trigger or function that was added
without a case here fails.
"""

from contextlib import contextmanager

import psycopg
import pytest
from psycopg import errors

from sesame.platform.database.connection import APPLICATION_ROLE, OWNER_ROLE, READER_ROLE
from tests.ledger.one_of_each import BROKEN, CHANGES_IN_PLACE, REFUSED, ROWS, VIEWS, base, insert

TABLES = """
    SELECT c.relname FROM pg_class c
     WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
     ORDER BY 1"""
CONSTRAINTS = """
    SELECT t.relname, k.conname, k.contype::text,
           (SELECT attname FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum = k.conkey[1])
      FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid
     WHERE k.connamespace = 'ledger'::regnamespace AND k.conparentid = 0 AND NOT t.relispartition
       AND k.contype <> 'n'
    UNION ALL
    SELECT t.relname, i.relname, 'u', NULL
      FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
     WHERE i.relnamespace = 'ledger'::regnamespace AND x.indisunique AND NOT t.relispartition
       AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid)
     ORDER BY 1, 2"""
# A partition's constraint has a name of its own.
PARENT = """
    SELECT p.conname FROM pg_constraint k JOIN pg_constraint p ON p.oid = k.conparentid
     WHERE k.conname = %s AND k.connamespace = 'ledger'::regnamespace"""
NEVER_NULL = """
    SELECT t.relname, a.attname FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid
     WHERE t.relnamespace = 'ledger'::regnamespace AND t.relkind IN ('r', 'p')
       AND NOT t.relispartition AND a.attnum > 0 AND a.attnotnull AND NOT a.attisdropped"""
TRIGGERS = """
    SELECT t.relname, g.tgname, g.tgfoid = 'platform.refuse_change'::regproc,
           g.tgtype & 8 <> 0, g.tgtype & 16 <> 0, g.tgtype & 32 <> 0,
           ARRAY(SELECT attname::text FROM pg_attribute a
                  WHERE a.attrelid = t.oid AND a.attnum = ANY (g.tgattr::smallint[]))
      FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid
     WHERE t.relnamespace = 'ledger'::regnamespace AND NOT g.tgisinternal AND g.tgparentid = 0
     ORDER BY 1, 2"""
FUNCTIONS = """
    SELECT p.oid::regprocedure::text, p.prosecdef, p.provolatile::text,
           coalesce(p.proconfig::text, ''), p.prorettype = 'trigger'::regtype
      FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
     WHERE p.pronamespace = 'ledger'::regnamespace AND l.lanname IN ('sql', 'plpgsql')"""

WAYS_AROUND = [
    f"SET ROLE {OWNER_ROLE}",
    f"SET SESSION AUTHORIZATION {OWNER_ROLE}",
    "SET session_replication_role = replica",
    "CREATE TABLE ledger.mine (id integer)",
    "CREATE TEMPORARY TABLE mine (id integer)",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION ledger.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE OR REPLACE FUNCTION ledger.may_go(text, text, text) RETURNS boolean"
    " LANGUAGE sql IMMUTABLE AS 'SELECT true'",
    "CREATE OR REPLACE FUNCTION platform.refuse_change() RETURNS trigger"
    " LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "DROP FUNCTION ledger.check_hold() CASCADE",
    f"GRANT {OWNER_ROLE} TO {APPLICATION_ROLE}",
    "COPY ledger.transfer FROM PROGRAM 'true'",
    "ALTER DATABASE template_sesame SET session_replication_role = replica",
]
LOGINS = {
    "embedded": {APPLICATION_ROLE: APPLICATION_ROLE, READER_ROLE: READER_ROLE},
    # As deploy/roles.sql makes them on somebody else's server: users who act as the roles.
    "outside": {APPLICATION_ROLE: "outside_web", READER_ROLE: "outside_report"},
}


@pytest.fixture
def filled(test_database):
    """A database with one row in each table of the ledger, and the address of a role."""
    with psycopg.connect(test_database.url("postgres"), autocommit=True) as superuser:
        superuser.execute("SET session_replication_role = replica")
        for table, rows in ROWS.items():
            for row in rows:
                superuser.execute(insert(table, row))
        for role, login in LOGINS["outside"].items():
            superuser.execute(f"DROP ROLE IF EXISTS {login}")
            superuser.execute(f"CREATE ROLE {login} LOGIN IN ROLE {role}")
            superuser.execute(f"ALTER ROLE {login} SET role = '{role}'")
    yield test_database
    with psycopg.connect(test_database.url("postgres"), autocommit=True) as superuser:
        for login in LOGINS["outside"].values():
            superuser.execute(f"DROP ROLE {login}")


@contextmanager
def connect(database, role, form="embedded"):
    login = LOGINS[form].get(role, role)
    with psycopg.connect(database.url(login), autocommit=True) as connection:
        yield connection


def read(database, query, *values):
    with connect(database, "postgres") as connection:
        return connection.execute(query, values).fetchall()


@pytest.fixture
def unchanged(filled):
    """Compare every table before and after the test."""
    hashes = " UNION ALL ".join(
        f"SELECT '{table}', md5(string_agg(t::text, '|' ORDER BY t::text)) FROM ledger.{table} t"
        for (table,) in read(filled, TABLES)
    )

    def state():
        return dict(read(filled, hashes))

    before = state()
    yield
    assert state() == before


def test_every_table_has_a_sound_row_here(filled):
    assert {base(name) for (name,) in read(filled, TABLES)} == set(ROWS)


def test_every_row_here_is_sound(test_database):
    """Else a case below might be refused for another reason than its own."""
    with connect(test_database, OWNER_ROLE) as owner:
        for table, rows in ROWS.items():
            for row in rows:
                owner.execute(insert(table, row))


def test_each_constraint_refuses_the_row_that_breaks_it(filled, unchanged):
    told = set()
    with connect(filled, OWNER_ROLE) as owner, connect(filled, "postgres") as superuser:
        # Past the triggers, some of which would refuse the same row before its constraint does.
        superuser.execute("SET session_replication_role = replica")
        for table, name, kind, column in read(filled, CONSTRAINTS):
            row, by = ROWS[table][0], superuser
            if kind in ("c", "u"):
                assert name in BROKEN, f"no case for {name} of {table}"
                row = fresh(table, row, filled) | BROKEN[name]
                expected = errors.CheckViolation if kind == "c" else errors.UniqueViolation
            elif kind == "f":
                row = fresh(table, row, filled)
                row = row | {column: unknown(ROWS[table][0][column])}
                expected, by = errors.ForeignKeyViolation, owner
            else:
                assert kind == "p", f"no way known to break {name} ({kind})"
                expected = errors.UniqueViolation
            told.add(name)
            with pytest.raises(expected) as refused:
                by.execute(insert(table, row))
            broken = refused.value.diag.constraint_name
            assert (read(filled, PARENT, broken) or [(broken,)])[0] == (name,)
    assert told.issuperset(BROKEN), "a case here is of a constraint that isn't there any more"


def fresh(table, row, database):
    """The row under another key of its own, so that only the rule in question is broken."""
    keys = read(
        database,
        "SELECT a.attname, format_type(a.atttypid, NULL) FROM pg_constraint k"
        " JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)"
        " WHERE k.conrelid = %s::regclass AND k.contype = 'p' AND NOT EXISTS ("
        "   SELECT FROM pg_constraint f WHERE f.conrelid = k.conrelid AND f.contype = 'f'"
        "      AND a.attnum = ANY (f.conkey))",
        f"ledger.{table}",
    )
    new = {"uuid": "gen_random_uuid()", "bigint": "7", "text": "'key-00000002'"}
    return row | {name: new.get(kind, row[name]) for name, kind in keys}


def unknown(literal):
    if literal.startswith("'2026"):
        return "'2027-05-05Z'"
    return "99" if literal.isdigit() else "gen_random_uuid()"


def test_no_column_that_must_be_said_may_be_left_out(filled, unchanged):
    with connect(filled, "postgres") as superuser:
        superuser.execute("SET session_replication_role = replica")
        for table, column in read(filled, NEVER_NULL):
            with pytest.raises(errors.NotNullViolation):
                superuser.execute(insert(table, ROWS[table][0] | {column: "NULL"}))


@pytest.mark.parametrize("role", [OWNER_ROLE, "postgres"])
def test_each_trigger_refuses_even_those_whom_grants_do_not_hold(filled, unchanged, role):
    told = set()
    with connect(filled, role) as connection:
        for table, name, refuses_all, on_delete, on_update, on_truncate, columns in read(
            filled, TRIGGERS
        ):
            if refuses_all:
                changed = columns or list(ROWS[base(table)][0])[:1]
                statements = [f"DELETE FROM ledger.{table}"] * on_delete
                statements += [f"TRUNCATE ledger.{table} CASCADE"] * on_truncate
                statements += [
                    f"UPDATE ledger.{table} SET {column} = {column}"
                    for column in changed * on_update
                ]
            else:
                assert name in REFUSED, f"no case for {name} of {table}"
                statements = REFUSED[name]
            assert statements
            told.add(name)
            for statement in statements:
                with pytest.raises(psycopg.DatabaseError) as refused:
                    connection.execute(statement)
                assert refused.value.sqlstate in ("SP001", "SL005", "23503"), (
                    statement,
                    refused.value,
                )
    assert told.issuperset(REFUSED)


def test_each_table_but_the_balances_is_guarded_against_deletion_and_truncation(filled):
    rows = read(
        filled,
        "SELECT t.relname, bool_or(g.tgtype & 8 <> 0), bool_or(g.tgtype & 16 <> 0),"
        " bool_or(g.tgtype & 32 <> 0)"
        " FROM pg_class t LEFT JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal"
        " WHERE t.relnamespace = 'ledger'::regnamespace AND t.relkind IN ('r', 'p') GROUP BY 1",
    )
    open_ = {name for name, *guards in rows if guards != [True, True, True]}
    assert open_ == CHANGES_IN_PLACE


def on_tables(table):
    """What is never done to a view."""
    return (
        f"TRUNCATE ledger.{table} CASCADE",
        f"SELECT * FROM ledger.{table} FOR UPDATE",
        f"ALTER TABLE ledger.{table} DISABLE TRIGGER ALL",
        f"CREATE TRIGGER mine BEFORE INSERT ON ledger.{table}"
        " FOR EACH ROW EXECUTE FUNCTION platform.refuse_change()",
    )


@pytest.mark.parametrize("form", LOGINS)
@pytest.mark.parametrize("role", [APPLICATION_ROLE, READER_ROLE])
def test_neither_application_nor_reader_writes_any_table(filled, unchanged, role, form):
    with connect(filled, role, form) as connection:
        for (table,) in read(filled, TABLES):
            row = ROWS[base(table)][0]
            column = next(iter(row))
            for statement in (
                insert(table, row),
                f"UPDATE ledger.{table} SET {column} = {column}",
                f"DELETE FROM ledger.{table}",
                f"DROP {'VIEW' if table in VIEWS else 'TABLE'} ledger.{table} CASCADE",
                f"BEGIN; LOCK TABLE ledger.{table} IN EXCLUSIVE MODE",
                *(() if table in VIEWS else on_tables(table)),
            ):
                with pytest.raises(errors.InsufficientPrivilege):
                    connection.execute(statement)
                connection.rollback()
            connection.execute(f"SELECT * FROM ledger.{table} LIMIT 1")


@pytest.mark.parametrize("form", LOGINS)
@pytest.mark.parametrize("role", [APPLICATION_ROLE, READER_ROLE])
def test_neither_application_nor_reader_gets_around_the_guards(filled, role, form):
    with connect(filled, role, form) as connection:
        for statement in WAYS_AROUND:
            with pytest.raises(psycopg.DatabaseError) as refused:
                connection.execute(statement)
            assert refused.value.sqlstate in ("42501", "42939"), (statement, refused.value)


@pytest.mark.parametrize("form", LOGINS)
def test_the_reader_executes_only_what_reads(filled, unchanged, form):
    with connect(filled, READER_ROLE, form) as reader:
        for name, *_ in read(filled, FUNCTIONS):
            allowed, volatile = read(
                filled,
                "SELECT has_function_privilege(%s, oid, 'EXECUTE'), provolatile = 'v' FROM pg_proc"
                " WHERE oid = %s::regprocedure",
                READER_ROLE, name,
            )[0]  # fmt: skip
            assert not (allowed and volatile), f"the reader may execute {name}, which may write"
        for call in (
            "ledger.close_books(now(), NULL, now())",
            "ledger.lapse_holds(now(), 1)",
            "ledger.claim_key('s', 'key-00000009', '', '{}', now())",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                reader.execute(f"SELECT {call}")


def test_nobody_else_executes_anything_and_no_path_leads_into_a_function(filled):
    for name, runs_as_owner, _volatile, setting, _trigger in read(filled, FUNCTIONS):
        (public,) = read(
            filled,
            "SELECT coalesce(bool_or(acl.grantee = 0), proacl IS NULL) FROM pg_proc"
            " LEFT JOIN LATERAL aclexplode(proacl) acl ON true"
            " WHERE pg_proc.oid = %s::regprocedure GROUP BY proacl",
            name,
        )[0]
        assert not public, f"everybody may execute {name}"
        if runs_as_owner:
            # pg_temp last, and nothing that a caller may write before it.
            assert "search_path=pg_catalog, pg_temp" in setting, f"{name} can be led astray"


def test_the_owner_may_not_put_a_balance_below_its_floor(filled, unchanged):
    with connect(filled, OWNER_ROLE) as owner:
        for statement in (
            "UPDATE ledger.balance SET balance = 99",
            "UPDATE ledger.balance SET held = 7001",
        ):
            with pytest.raises(errors.CheckViolation, match="never_below_floor"):
                owner.execute(statement)


def test_nobody_else_may_even_connect(test_database):
    with psycopg.connect(test_database.url("postgres"), autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS somebody")
        connection.execute("CREATE ROLE somebody LOGIN")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(
            test_database.url("somebody").replace(test_database.name, "template_sesame")
        )
