"""Jobs as rows: asked for, done once, tried again, swept. The broker is a list in this process."""

import threading
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from pgmq.base import PGMQConfig
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import text

from sesame.platform.database import unit_of_work
from sesame.platform.jobs import enqueue, enqueue_once, job, queue, registered_jobs, run_job, sweep
from sesame.platform.jobs.celery_app import address_for_pgmq
from sesame.platform.jobs.work import ANNOUNCE_AGAIN_AFTER, MAX_ATTEMPTS, WORKER_LOST
from sesame.platform.problems import NotAllowed

calls: list[str] = []


@job("invented.note")
def note(session, at, *, what):
    calls.append(what)
    session.execute(text("SELECT 1"))


@job("invented.fail")
def fail(session, at, *, how):
    calls.append(how)
    session.execute(text("DELETE FROM platform.scheme"))
    raise NotAllowed() if how == "refused" else RuntimeError("Camille Durand")


class Killed(BaseException):
    """The end of the worker, as seen by the job that it was running."""


@job("invented.kill")
def kill(session, at):
    calls.append("killed")
    raise Killed


@job("invented.tick", every=timedelta(hours=1))
def tick(session, at):
    calls.append("tick")


@pytest.fixture(autouse=True)
def announced(monkeypatch):
    """The ids announced so far. No room's recurring jobs are added beside the test's own."""
    calls.clear()
    monkeypatch.setattr(queue, "_EVERY", {})
    ids: list[UUID] = []
    queue.announce_with(ids.append)
    yield ids
    queue.announce_with(None)


def ask(database, at, name="invented.note", **arguments) -> UUID:
    with unit_of_work(database) as session:
        if name == "invented.note":
            arguments = {"what": "x"}
        return enqueue(session, name, at=at, **arguments)


def row(test_database, job_id) -> dict:
    with psycopg.connect(test_database.url(), row_factory=psycopg.rows.dict_row) as connection:
        return connection.execute("SELECT * FROM platform.job WHERE id = %s", [job_id]).fetchone()


def test_a_job_is_announced_once_its_unit_of_work_has_committed(
    database, test_database, announced, at
):
    with unit_of_work(database) as session:
        job_id = enqueue(session, "invented.note", at=at, what="x")
        assert announced == []
    assert announced == [job_id]
    assert row(test_database, job_id)["state"] == "waiting"


def test_a_unit_of_work_that_is_rolled_back_asked_for_nothing(
    database, test_database, announced, at
):
    with pytest.raises(ValueError, match="stop"):
        with unit_of_work(database) as session:
            job_id = enqueue(session, "invented.note", at=at, what="x")
            raise ValueError("stop")
    assert announced == []
    assert row(test_database, job_id) is None


def test_a_job_that_nobody_handles_is_refused_where_it_is_asked_for(database, at):
    with pytest.raises(KeyError, match=r"invented\.unknown"):
        ask(database, at, "invented.unknown")


def test_one_name_has_one_handler():
    with pytest.raises(ValueError, match="two handlers"):
        job("invented.note")(lambda session, at: None)
    assert registered_jobs()["invented.note"] is note


def test_a_job_announced_three_times_is_done_once(database, test_database, clock, at):
    job_id = ask(database, at)
    assert [run_job(database, clock, job_id) for _ in range(3)] == [True, False, False]
    assert calls == ["x"]
    done = row(test_database, job_id)
    assert (done["state"], done["attempts"], done["error_code"]) == ("done", 1, None)


def test_a_job_that_one_worker_is_doing_is_left_alone_by_the_others(database, clock, at):
    inside, go_on = threading.Event(), threading.Event()

    @job("invented.slow")
    def slow(session, at):
        inside.set()
        assert go_on.wait(30)

    job_id = ask(database, at, "invented.slow")
    worker = threading.Thread(target=run_job, args=(database, clock, job_id))
    worker.start()
    assert inside.wait(30)
    assert run_job(database, clock, job_id) is False
    assert sweep(database, clock) == 0
    go_on.set()
    worker.join()
    queue._HANDLERS.pop("invented.slow")


def once(database, at, **arguments) -> UUID:
    with unit_of_work(database) as session:
        return enqueue_once(session, "invented.note", at=at, **arguments)


def test_a_job_asked_for_once_while_it_waits_is_the_same_job_announced_again(
    database, announced, at
):
    first = once(database, at, what="x")
    assert once(database, at, what="x") == first
    assert announced == [first, first]


@pytest.mark.parametrize("how", ["done", "failed once", "other arguments"])
def test_a_job_asked_for_once_is_added_where_none_like_it_waits(database, clock, at, how):
    first = once(database, at, what="y" if how == "other arguments" else "x")
    if how == "done":
        assert run_job(database, clock, first)
    if how == "failed once":
        with unit_of_work(database) as session:
            session.execute(text("UPDATE platform.job SET attempts = 1"))
    assert once(database, at, what="x") != first


def test_a_job_that_a_worker_has_started_does_not_stand_for_what_comes_after(database, at):
    first = once(database, at, what="x")
    with unit_of_work(database) as worker:
        worker.execute(text("SELECT 1 FROM platform.job FOR UPDATE"))
        assert once(database, at, what="x") != first


def test_a_waiting_job_does_not_run_before_the_work_that_counts_on_it_is_there(database, clock, at):
    first = once(database, at, what="x")
    with unit_of_work(database) as session:
        assert enqueue_once(session, "invented.note", at=at, what="x") == first
        assert run_job(database, clock, first) is False
    assert run_job(database, clock, first) is True


@pytest.mark.parametrize(("how", "code"), [("refused", "not_allowed"), ("broken", "RuntimeError")])
def test_a_handler_that_fails_leaves_nothing_behind_and_is_tried_again_later(
    database, test_database, clock, at, scheme, how, code
):
    job_id = ask(database, at, "invented.fail", how=how)
    assert run_job(database, clock, job_id) is False
    failed = row(test_database, job_id)
    assert (failed["state"], failed["attempts"], failed["error_code"]) == ("waiting", 1, code)
    assert failed["due_at"] == at + timedelta(seconds=2)
    with psycopg.connect(test_database.url()) as connection:
        assert connection.execute("SELECT count(*) FROM platform.scheme").fetchone() == (1,)
    assert run_job(database, clock, job_id) is False
    assert len(calls) == 1  # not due yet


def test_each_try_waits_longer_and_the_last_one_is_the_last(
    database, test_database, clock, at, announced
):
    job_id = ask(database, at, "invented.fail", how="broken")
    waits = []
    for _ in range(MAX_ATTEMPTS):
        run_job(database, clock, job_id)
        after = row(test_database, job_id)
        waits.append((after["due_at"] - clock.now()).total_seconds())
        clock.at = after["due_at"]
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
    assert (after["state"], after["attempts"]) == ("failed", MAX_ATTEMPTS)
    announced.clear()
    clock.advance(timedelta(days=1))
    assert sweep(database, clock) == 0
    assert run_job(database, clock, job_id) is False


def test_a_job_that_kills_its_workers_is_tried_as_often_as_any_other_and_no_more(
    database, test_database, clock, at, announced
):
    job_id = ask(database, at, "invented.kill")
    for attempt in range(1, MAX_ATTEMPTS + 1):
        with pytest.raises(Killed):
            run_job(database, clock, job_id)
        left = row(test_database, job_id)
        assert (left["state"], left["attempts"]) == ("waiting", attempt)
        assert left["due_at"] == clock.now() + timedelta(seconds=2**attempt)
        assert run_job(database, clock, job_id) is False
        clock.at = left["due_at"]
        announced.clear()
        assert (sweep(database, clock), announced) == (1, [job_id])
    assert run_job(database, clock, job_id) is False
    ended = row(test_database, job_id)
    assert (ended["state"], ended["attempts"]) == ("failed", MAX_ATTEMPTS)
    assert (ended["error_code"], ended["finished_at"]) == (WORKER_LOST, clock.now())
    assert calls == ["killed"] * MAX_ATTEMPTS


def test_the_sweeper_announces_what_was_lost_and_does_not_nag(database, clock, at, announced):
    job_id = ask(database, at)
    announced.clear()
    assert sweep(database, clock) == 1
    assert sweep(database, clock) == 0
    clock.advance(ANNOUNCE_AGAIN_AFTER + timedelta(seconds=1))
    assert sweep(database, clock) == 1
    assert announced == [job_id, job_id]


def test_a_failed_try_is_announced_again_as_soon_as_it_is_due(database, clock, at, announced):
    job_id = ask(database, at, "invented.fail", how="broken")
    sweep(database, clock)
    run_job(database, clock, job_id)
    announced.clear()
    assert sweep(database, clock) == 0
    clock.advance(timedelta(seconds=2))
    assert sweep(database, clock) == 1
    assert announced == [job_id]


def test_a_recurring_job_is_run_again_and_again_and_once_at_a_time(
    database, test_database, clock, announced, monkeypatch
):
    monkeypatch.setattr(queue, "_EVERY", {"invented.tick": timedelta(hours=1)})
    for _hour in range(3):
        assert sweep(database, clock) == 1
        assert sweep(database, clock) == 0
        assert run_job(database, clock, announced[-1]) is True
        clock.advance(timedelta(hours=1))
    assert calls == ["tick"] * 3
    with psycopg.connect(test_database.url()) as connection:
        kept = connection.execute("SELECT count(*), min(state) FROM platform.job").fetchone()
    assert kept == (1, "done")


def test_a_recurring_job_that_still_waits_is_not_added_twice(
    database, test_database, clock, monkeypatch
):
    monkeypatch.setattr(queue, "_EVERY", {"invented.tick": timedelta(hours=1)})
    sweep(database, clock)
    clock.advance(timedelta(hours=2))
    sweep(database, clock)
    with psycopg.connect(test_database.url()) as connection:
        assert connection.execute("SELECT count(*) FROM platform.job").fetchone() == (1,)


def test_a_broker_that_fails_loses_nothing(database, test_database, clock, at):
    def away(job_id):
        raise ConnectionError("away")

    queue.announce_with(away)
    job_id = ask(database, at)
    assert row(test_database, job_id)["state"] == "waiting"
    assert run_job(database, clock, job_id) is True


def test_a_job_whose_handler_is_gone_is_kept_as_failed_and_not_lost(
    database, test_database, clock, at
):
    job_id = ask(database, at)
    handler = queue._HANDLERS.pop("invented.note")
    assert run_job(database, clock, job_id) is False
    queue._HANDLERS["invented.note"] = handler
    assert row(test_database, job_id)["error_code"] == "KeyError"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://sesame_app@/sesame?host=/srv/sesame/run",
        "postgresql://u:a%20b%27%5Cc%40%2F@db.example.org:5433/sesame?sslmode=verify-full&sslrootcert=/a%20b",
        "postgresql://u:p@db.example.org/sesame",
    ],
)
def test_the_broker_is_given_the_whole_address_of_the_database(url):
    reached = conninfo_to_dict(PGMQConfig(conn_string=address_for_pgmq(url)).dsn)
    wanted = conninfo_to_dict(url)
    assert {**reached, **wanted} == reached
    assert reached.get("password") == wanted.get("password", "")
