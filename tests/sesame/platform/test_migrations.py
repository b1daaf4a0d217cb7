"""The database's shape."""

import psycopg

from sesame.migrations import downgrade, drift, upgrade
from sesame.platform.database.connection import OWNER_ROLE


def test_the_models_and_the_database_agree(test_database):
    assert drift(test_database.url(OWNER_ROLE)) == []


def test_every_revision_goes_down_and_up_again(test_database):
    owner = test_database.url(OWNER_ROLE)
    downgrade(owner)
    with psycopg.connect(owner) as connection:
        left = connection.execute(
            "SELECT nspname FROM pg_namespace "
            "WHERE nspname IN ('platform', 'ledger', 'cardsvc', 'merchants')"
        ).fetchall()
    assert left == []
    upgrade(owner)
    assert drift(owner) == []
