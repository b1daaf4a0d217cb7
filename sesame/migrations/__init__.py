"""The database's shape, in steps: up, down, and the SQL functions that each room publishes.

Tables change by numbered revisions (Alembic). Functions are code: each feature keeps them in a
`functions.sql` of CREATE OR REPLACE statements, and all are applied anew after each upgrade.
"""

from sesame.migrations.run import downgrade, drift, install_database, upgrade

__all__ = ["downgrade", "drift", "install_database", "upgrade"]
