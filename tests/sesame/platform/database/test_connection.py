"""The pool after the server has gone, and how long each kind of process waits for others."""

from dataclasses import replace

import psycopg
import pytest
from psycopg import errors

from sesame.platform.database import Database, open_database
from sesame.platform.database.connection import OWNER_ROLE


@pytest.fixture
def pooled(test_database):
    """The database with eight connections in its pool."""
    opened = Database(test_database.url(), pool_size=8)
    held = [opened.engine.raw_connection() for _ in range(8)]
    for each in held:
        each.close()
    assert opened.engine.pool.checkedin() == 8
    yield opened
    opened.dispose()


def end_every_connection(test_database):
    """Do to the application what a restart of the server does."""
    with psycopg.connect(test_database.url("postgres"), autocommit=True) as superuser:
        superuser.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = 'sesame_app'"
        )


def test_a_restart_of_the_server_costs_one_statement_and_no_more(pooled, test_database):
    end_every_connection(test_database)
    answers = []
    for _ in range(12):
        try:
            with pooled.one_statement() as connection:
                answers.append(connection.execute("SELECT 1").fetchone()[0])
        except psycopg.OperationalError:
            answers.append("lost")
    assert answers == ["lost"] + [1] * 11


def test_a_statement_that_is_refused_keeps_its_connection(test_database):
    single = Database(test_database.url(), pool_size=1)

    def backend() -> int:
        with single.one_statement() as connection:
            return connection.info.backend_pid

    first = backend()
    with pytest.raises(errors.LockNotAvailable):
        with single.one_statement() as connection:
            connection.execute("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '55P03'; END $$")
    assert backend() == first
    single.dispose()


WAITS = (
    "SELECT current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout')"
)


def waits_of(database) -> tuple[str, str]:
    with database.one_statement() as connection:
        found = connection.execute(WAITS).fetchone()
    database.dispose()
    return found


def test_a_web_process_gives_up_waiting_and_commands_and_workers_do_not(settings):
    assert waits_of(open_database(settings, serving=True)) == ("5s", "30s")
    assert waits_of(open_database(settings)) == ("0", "0")
    assert waits_of(open_database(settings, OWNER_ROLE)) == ("0", "0")


@pytest.mark.parametrize("threads", [1, 8, 50])
def test_each_thread_of_a_web_process_can_hold_two_connections(settings, threads):
    opened = open_database(replace(settings, web_threads=threads), serving=True)
    assert opened.engine.pool.size() >= 2 * threads
