"""Alembic's entry: runs the revisions on the connection that `sesame.migrations.run` names."""

from importlib import import_module

from alembic import context
from sqlalchemy import create_engine

from sesame.migrations.contents import MODEL_MODULES
from sesame.migrations.run import is_ours
from sesame.platform.database import Base

for module in MODEL_MODULES:
    import_module(module)

engine = create_engine(context.config.attributes["url"])
with engine.begin() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_schemas=True,
        include_name=is_ours,
        compare_type=True,
        version_table_schema="public",
        transaction_per_migration=False,
    )
    context.run_migrations()
engine.dispose()
