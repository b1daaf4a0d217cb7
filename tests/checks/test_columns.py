"""Every column says whether it is about a person, and every table of the database belongs to a model."""

from collections.abc import Iterable
from importlib import import_module

import psycopg
import pytest
from sqlalchemy import Column, MetaData, Table, Text

from sesame.migrations.contents import MODEL_MODULES, SCHEMAS
from sesame.platform.database import Base, Personal

REAL = (
    "SELECT table_schema || '.' || table_name, column_name FROM information_schema.columns "
    "JOIN pg_class ON oid = format('%%I.%%I', table_schema, table_name)::regclass "
    "WHERE table_schema = ANY(%s) AND NOT relispartition AND relkind IN ('r', 'p', 'v', 'm')"
)


def unclassified(tables: Iterable[Table]) -> list[str]:
    """Return the columns declared by neither `plain` nor `personal`, or personal without saying why."""
    wrong = []
    for table in tables:
        for column in table.columns:
            found = column.info.get("personal", "never said")
            said = isinstance(found, Personal) and found.purpose.strip() and found.retention.strip()
            if found is not None and not said:
                wrong.append(f"{table.fullname}.{column.name}")
    return wrong


def declared() -> set[tuple[str, str]]:
    for module in MODEL_MODULES:
        import_module(module)
    return {
        (table.fullname, column.name)
        for table in Base.metadata.tables.values()
        for column in table.columns
    }


def real(test_database) -> set[tuple[str, str]]:
    with psycopg.connect(test_database.url("postgres")) as connection:
        return set(connection.execute(REAL, [list(SCHEMAS)]))


def test_every_column_is_classified():
    assert len(declared()) > 150
    assert unclassified(Base.metadata.tables.values()) == []


@pytest.mark.parametrize(
    "info",
    [
        {},
        {"personal": "yes"},
        {"personal": Personal("", "account")},
        {"personal": Personal("x", " ")},
    ],
)
def test_a_column_that_is_not_classified_would_be_seen(info):
    planted = Table("planted", MetaData(), Column("name", Text, info=info), schema="cardsvc")
    assert unclassified([planted]) == ["cardsvc.planted.name"]


def shown_again() -> set[tuple[str, str]]:
    """The one view: the book's transfers, with those of years that were detached from it."""
    return {
        ("ledger.every_transfer", column)
        for table, column in declared()
        if table == "ledger.transfer"
    }


def test_every_column_of_the_database_belongs_to_a_model(test_database):
    assert real(test_database) ^ (declared() | shown_again()) == set()


def test_a_table_that_no_model_knows_would_be_seen(test_database):
    with psycopg.connect(test_database.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE TABLE cardsvc.planted (name text)")
        connection.execute("CREATE VIEW merchants.planted AS SELECT 1 AS number")
    assert real(test_database) - declared() - shown_again() == {
        ("cardsvc.planted", "name"),
        ("merchants.planted", "number"),
    }


def test_who_a_person_is_is_never_called_plain():
    """A list of names that can only be a person's, whatever the table."""
    telling = {
        "given_name",
        "family_name",
        "birth_date",
        "ine",
        "email",
        "phone",
        "password_hash",
    }
    for table in Base.metadata.tables.values():
        for column in table.columns:
            if column.name in telling:
                assert column.info["personal"], f"{table.fullname}.{column.name}"
