"""The revisions go down and up again, on a database with something in it, and leave no difference."""

import re
from pathlib import Path

import psycopg
import pytest

from sesame.migrations import downgrade, drift, upgrade
from sesame.migrations.contents import FUNCTION_FILES, MODEL_MODULES
from sesame.migrations.run import ROOT
from sesame.platform.database.connection import OWNER_ROLE

SHAPE = (
    "SELECT oid::regclass::text, relkind::text FROM pg_class WHERE relnamespace::regnamespace::text IN "
    "('platform', 'ledger', 'cardsvc', 'merchants') UNION ALL SELECT oid::regprocedure::text, md5(prosrc) "
    "FROM pg_proc WHERE pronamespace::regnamespace::text IN ('platform', 'ledger', 'cardsvc', 'merchants') "
    "UNION ALL SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint UNION ALL "
    "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2"
)
REVISIONS = [path.stem[:4] for path in sorted((ROOT / "sesame/migrations/versions").glob("0*.py"))]


def shape(test_database) -> list[tuple]:
    with psycopg.connect(test_database.url("postgres")) as connection:
        return connection.execute(SHAPE).fetchall()


def test_the_models_and_the_database_agree(test_database):
    assert drift(test_database.url(OWNER_ROLE)) == []


def test_a_difference_would_be_seen(test_database):
    with psycopg.connect(test_database.url("postgres"), autocommit=True) as connection:
        connection.execute("ALTER TABLE platform.job ADD COLUMN planted text")
        connection.execute("ALTER TABLE platform.scheme ALTER COLUMN zone TYPE varchar(9)")
    assert len(drift(test_database.url(OWNER_ROLE))) == 2


@pytest.mark.parametrize("revision", ["base", *REVISIONS[:-1]])
def test_going_down_to_a_revision_and_up_again_gives_the_same_database(test_database, revision):
    owner = test_database.url(OWNER_ROLE)
    before = shape(test_database)
    downgrade(owner, revision)
    assert shape(test_database) != before
    upgrade(owner)
    assert shape(test_database) == before


def test_revisions_follow_each_other_by_number():
    assert [f"{number:04}" for number in range(1, len(REVISIONS) + 1)] == REVISIONS


def test_every_model_and_every_file_of_functions_is_listed():
    packages = [ROOT / name for name in ("sesame/platform", "ledger", "cardsvc", "merchants")]
    sources = [path for package in packages for path in sorted(package.rglob("*.py"))]
    models = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sources
        if re.search(r"^class \w+\(Base\):", path.read_text("utf-8"), re.MULTILINE)
    }
    assert models == set(MODEL_MODULES)
    functions = {
        str(path.relative_to(ROOT)) for package in packages for path in package.rglob("*.sql")
    }
    assert functions == set(FUNCTION_FILES)


def test_no_sql_of_ours_reads_the_clock():
    asking = re.compile(
        r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp)\s*\(\s*\)|\bcurrent_(date|timestamp)\b",
        re.IGNORECASE,
    )
    for file in FUNCTION_FILES:
        code = re.sub(r"--.*", "", Path(ROOT / file).read_text("utf-8"))
        assert asking.search(code) is None, file
