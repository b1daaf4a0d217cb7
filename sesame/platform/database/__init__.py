"""The one database: how to reach it, its tables' base, and who owns the commit."""

from sesame.platform.database.columns import Base, Personal, personal, plain
from sesame.platform.database.connection import Database, open_database
from sesame.platform.database.unit_of_work import after_commit, unit_of_work

__all__ = [
    "Base",
    "Database",
    "Personal",
    "after_commit",
    "open_database",
    "personal",
    "plain",
    "unit_of_work",
]
