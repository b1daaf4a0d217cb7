"""Who may do what in the database: the owner changes tables, the application uses them, the reader
reads. A table that is only ever appended to says so by grants and by trigger.
"""

from alembic import op
from sqlalchemy import text

from sesame.platform.database.connection import APPLICATION_ROLE, READER_ROLE


def create_schema(name: str) -> None:
    """Create a room's schema, with what each role may do by default in the tables to come."""
    op.execute(f"CREATE SCHEMA {name}")
    op.execute(f"GRANT USAGE ON SCHEMA {name} TO {APPLICATION_ROLE}, {READER_ROLE}")
    op.execute(
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA {name} "
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {APPLICATION_ROLE}"
    )
    op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA {name} GRANT SELECT ON TABLES TO {READER_ROLE}")


def hide_from_reader(table: str, *columns: str) -> None:
    """Keep the reader from the secrets of `table` ("schema.name"): `columns`, or all when none is named.

    It reads the table's other columns as they are now; one that is added later is hidden until granted.
    """
    op.execute(f"REVOKE SELECT ON {table} FROM {READER_ROLE}")
    if not columns:
        return
    listed = op.get_bind().execute(
        text(
            "SELECT attname FROM pg_attribute"
            " WHERE attrelid = cast(:name AS regclass) AND attnum > 0 AND NOT attisdropped"
        ),
        {"name": table},
    )
    known = set(listed.scalars())
    if not known.issuperset(columns):
        raise ValueError(f"{table} hasn't all of {', '.join(columns)}")
    read = ", ".join(sorted(known - set(columns)))
    op.execute(f"GRANT SELECT ({read}) ON {table} TO {READER_ROLE}")


def append_only(table: str) -> None:
    """Refuse UPDATE, DELETE and TRUNCATE on `table` ("schema.name"), by grants and by trigger."""
    name = table.replace(".", "_")
    op.execute(
        f"CREATE TRIGGER {name}_append_only BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION platform.refuse_change()"
    )
    never_truncated(table)


def never_truncated(table: str) -> None:
    """Refuse TRUNCATE on `table`, and all changes by grants: for a partition, whose parent's trigger
    guards its rows already.
    """
    name = table.replace(".", "_")
    op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {APPLICATION_ROLE}")
    op.execute(
        f"CREATE TRIGGER {name}_not_truncated BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION platform.refuse_change()"
    )
