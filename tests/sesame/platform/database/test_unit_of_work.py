"""Who commits, what happens after, and what a connection is like when it goes back to the pool."""

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from sesame.platform.database import Database, after_commit, unit_of_work

ADD = text(
    "INSERT INTO platform.job (id, name, arguments, state, attempts, created_at, due_at) "
    "VALUES (gen_random_uuid(), :name, '{}', 'waiting', 0, now(), now())"
)


def jobs(test_database) -> list[str]:
    with psycopg.connect(test_database.url()) as connection:
        return [row[0] for row in connection.execute("SELECT name FROM platform.job ORDER BY 1")]


def test_its_end_commits(database, test_database):
    with unit_of_work(database) as session:
        session.execute(ADD, {"name": "kept"})
        assert jobs(test_database) == []
    assert jobs(test_database) == ["kept"]


def test_any_exception_takes_all_of_it_back_and_goes_on_its_way(database, test_database):
    with pytest.raises(KeyboardInterrupt):
        with unit_of_work(database) as session:
            session.execute(ADD, {"name": "lost"})
            raise KeyboardInterrupt
    assert jobs(test_database) == []


def test_what_follows_a_commit_finds_it_committed_and_comes_in_order(database, test_database):
    seen = []
    with unit_of_work(database) as session:
        session.execute(ADD, {"name": "kept"})
        after_commit(session, lambda: seen.append(("first", jobs(test_database))))
        after_commit(session, lambda: seen.append(("second", jobs(test_database))))
        assert seen == []
    assert seen == [("first", ["kept"]), ("second", ["kept"])]


def test_nothing_follows_a_rollback_nor_a_commit_that_fails(database):
    seen = []
    with pytest.raises(ValueError, match="stop"):
        with unit_of_work(database) as session:
            after_commit(session, lambda: seen.append("rolled back"))
            raise ValueError("stop")
    with pytest.raises(IntegrityError):
        with unit_of_work(database) as session:
            after_commit(session, lambda: seen.append("not committed"))
            session.execute(ADD, {"name": None})
    assert seen == []


def test_what_goes_wrong_after_the_commit_does_not_make_it_look_undone(
    database, test_database, written
):
    seen = []

    def fail() -> None:
        raise RuntimeError("Camille")

    with unit_of_work(database) as session:
        session.execute(ADD, {"name": "kept"})
        after_commit(session, fail)
        after_commit(session, lambda: seen.append("next"))
    assert (jobs(test_database), seen) == (["kept"], ["next"])
    (line,) = written()
    assert (line["event"], line["error"]) == ("after_commit_failed", "RuntimeError")
    assert "Camille" not in str(line)


def test_an_errors_message_does_not_quote_the_values(database):
    with pytest.raises(IntegrityError) as refused:
        with unit_of_work(database) as session:
            session.execute(
                text("INSERT INTO platform.scheme (id, name) VALUES (NULL, :name)"),
                {"name": "Camille Durand"},
            )
    assert "[SQL parameters hidden" in str(refused.value)


@pytest.fixture
def single(test_database):
    """The database through one connection only, so that the next borrower has the same."""
    opened = Database(test_database.url(), pool_size=1)
    yield opened
    opened.dispose()


def state_of(single) -> tuple[bool, str]:
    pooled = single.engine.raw_connection()
    driver = pooled.driver_connection
    found = (driver.autocommit, driver.info.transaction_status.name)
    pooled.close()
    return found


def test_one_statement_is_its_own_transaction(single, test_database):
    with single.one_statement() as connection:
        connection.execute("UPDATE platform.job SET name = name")
        assert connection.info.transaction_status.name == "IDLE"
    assert state_of(single) == (False, "IDLE")


@pytest.mark.parametrize(
    "wrong",
    [
        "SELECT 1 / 0",
        "no SQL at all",
        "BEGIN; SELECT 1 / 0",
        "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = 'SE002'; END $$",
    ],
)
def test_one_statement_that_fails_leaves_a_clean_connection(single, wrong):
    with pytest.raises(psycopg.Error):
        with single.one_statement() as connection:
            connection.execute(wrong)
    assert state_of(single) == (False, "IDLE")
    with single.one_statement() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_transaction_left_open_does_not_reach_the_next_borrower(single):
    with single.one_statement() as connection:
        connection.execute("BEGIN")
    assert state_of(single) == (False, "IDLE")


def test_a_connection_that_the_server_has_closed_is_not_given_out_again(single):
    with pytest.raises(psycopg.OperationalError):
        with single.one_statement() as connection:
            connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    with single.one_statement() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
