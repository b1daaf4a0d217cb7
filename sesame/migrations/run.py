"""Running the migrations as the owner of the tables."""

from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from pgmq.install import get_embedded_install_sql
from psycopg import sql
from sqlalchemy import create_engine

from sesame.migrations.contents import FUNCTION_FILES, MODEL_MODULES, SCHEMAS
from sesame.platform.clock import SystemClock
from sesame.platform.database import Base
from sesame.platform.database.connection import (
    APPLICATION_ROLE,
    OWNER_ROLE,
    READER_ROLE,
    database_url,
    embedded_server,
)
from sesame.platform.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
YEARS_AHEAD = 5
"""Each upgrade makes the ledger's partitions so many years ahead; what comes later still is kept in
the default one."""


def install_database(settings: Settings) -> None:
    """Bring the database of this installation up to date; make it first where it is the embedded one.

    For an outside server, `SESAME_DATABASE_OWNER_URL` names a role that is a member of the three
    (see deploy/roles.sql, which whoever runs the server applies once).
    """
    if settings.database_url is None:
        server = embedded_server(settings)
        server.start()
        prepare_server(server.url("postgres", "postgres"))
    upgrade(database_url(settings, OWNER_ROLE))


def prepare_server(superuser_url: str, database: str = "sesame") -> None:
    """Make the three roles and the database `database` on a server, where they are missing."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        for role in (OWNER_ROLE, APPLICATION_ROLE, READER_ROLE):
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
            if known.fetchone() is None:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        # The owner hands the broker's schema over to the application, so it must be a member of it.
        connection.execute(
            sql.SQL("GRANT {} TO {}").format(
                sql.Identifier(APPLICATION_ROLE), sql.Identifier(OWNER_ROLE)
            )
        )
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database])
        if known.fetchone() is None:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(database), sql.Identifier(OWNER_ROLE)
                )
            )
        admit_the_roles_only(connection, database)


def admit_the_roles_only(connection: psycopg.Connection[Any], database: str) -> None:
    """Let the three roles connect to `database`, and nobody make anything in it but its owner.

    By default everybody may connect and make temporary tables, on which a trigger of theirs could
    call a function that runs with its owner's rights. As deploy/roles.sql does.
    """
    named = sql.Identifier(database)
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(named))
    connection.execute(
        sql.SQL("GRANT CONNECT ON DATABASE {} TO {}, {}").format(
            named, sql.Identifier(APPLICATION_ROLE), sql.Identifier(READER_ROLE)
        )
    )


def upgrade(owner_url: str, revision: str = "head") -> None:
    """Apply the revisions up to `revision`, then (at the head) the published functions."""
    command.upgrade(_config(owner_url), revision)
    if revision == "head":
        _install_broker(owner_url)
        _apply_functions(owner_url)
        _add_years(owner_url, SystemClock().now().year + YEARS_AHEAD)


def downgrade(owner_url: str, revision: str = "base") -> None:
    """Take the revisions back down to `revision`.

    The published functions go first: they name tables and types of what goes. Those of the older code
    come with it, at its next upgrade.
    """
    _drop_functions(owner_url)
    command.downgrade(_config(owner_url), revision)


def drift(owner_url: str) -> list[Any]:
    """Return the differences between the models and the database; empty when there are none."""
    for module in MODEL_MODULES:
        import_module(module)
    engine = create_engine(_sqlalchemy_url(owner_url))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "include_name": is_ours,
                "compare_type": True,
                "version_table_schema": "public",
            },
        )
        differences = list(compare_metadata(context, Base.metadata))
    engine.dispose()
    return differences


def is_ours(name: str | None, kind: str, parents: Any) -> bool:
    """Tell Alembic which schemas and tables are ours (not the broker's, not a partition)."""
    if kind == "schema":
        return name in SCHEMAS
    if kind == "table":
        return not (name or "").startswith("transfer_")
    return True


def _config(owner_url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["url"] = _sqlalchemy_url(owner_url)
    return config


def _sqlalchemy_url(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def _install_broker(owner_url: str) -> None:
    """Install pgmq's tables as the application, which makes and drops its own queues there."""
    with psycopg.connect(owner_url) as connection:
        known = connection.execute("SELECT to_regnamespace('pgmq')").fetchone()
        if known is not None and known[0] is not None:
            return
        # Its script creates the schema by itself, and asks for the right to even where it exists.
        database = sql.Identifier(connection.info.dbname)
        role = sql.Identifier(APPLICATION_ROLE)
        connection.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(database, role))
        connection.execute(sql.SQL("SET ROLE {}").format(role))
        connection.execute(get_embedded_install_sql())
        connection.execute("RESET ROLE")
        connection.execute(sql.SQL("REVOKE CREATE ON DATABASE {} FROM {}").format(database, role))


def _apply_functions(owner_url: str) -> None:
    with psycopg.connect(owner_url) as connection:
        # A body may name a function or table of a room above; it is checked when it runs.
        connection.execute("SET check_function_bodies = off")
        for file in FUNCTION_FILES:
            connection.execute((ROOT / file).read_text(encoding="utf-8"))


def _add_years(owner_url: str, last: int) -> None:
    with psycopg.connect(owner_url) as connection:
        connection.execute(
            "SELECT ledger.add_year(year) FROM generate_series(2026, %s) AS year", [last]
        )


def _drop_functions(owner_url: str) -> None:
    listed = (
        "SELECT oid::regprocedure::text FROM pg_proc"
        " WHERE pronamespace::regnamespace::text = ANY (%s)"
        " AND prorettype <> 'trigger'::regtype AND prokind = 'f'"
        # Not those that belong to a type: a range has functions of its own.
        " AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass"
        "                  AND d.objid = pg_proc.oid AND d.deptype = 'i')"
    )
    with psycopg.connect(owner_url) as connection:
        for (function,) in connection.execute(listed, [list(SCHEMAS)]).fetchall():
            connection.execute(f"DROP FUNCTION IF EXISTS {function} CASCADE")
