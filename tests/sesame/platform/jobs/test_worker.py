"""Real workers, as processes of their own, on both brokers: killed, cut off, and none the worse."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from sesame.platform.clock import SystemClock
from sesame.platform.database import unit_of_work
from sesame.platform.jobs import enqueue, job, queue
from sesame.platform.jobs.celery_app import announce_through, make_celery
from sesame.platform.jobs.work import MAX_ATTEMPTS
from sesame.platform.settings import Settings

INVENTED = Path(__file__).with_name("worker_with_invented_jobs.py")
PATIENCE = 40


@job("invented.mark")
def mark(session, at, *, effect):
    raise AssertionError("the worker does it, not the test")


@job("invented.ask_first")
def ask_first(session, at, *, effect, port):
    raise AssertionError("the worker does it, not the test")


@job("invented.kill_worker")
def kill_worker(session, at):
    raise AssertionError("the worker does it, not the test")


@dataclass
class Redis:
    """Debian's redis-server on a free port of loopback, keeping nothing."""

    folder: Path
    port: int
    process: subprocess.Popen | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir",
             str(self.folder), "--save", "", "--appendonly", "no"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert any("Ready to accept connections" in line for line in self.process.stdout)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def redis(tmp_path) -> Iterator[Redis]:
    """A running Redis."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path / "redis"
    folder.mkdir()
    server = Redis(folder, port)
    server.start()
    yield server
    server.kill()


@pytest.fixture(params=["pgmq", "redis"])
def broker_url(request) -> str | None:
    """The broker's address: none for the database itself."""
    if request.param == "pgmq":
        return None
    return f"redis://127.0.0.1:{request.getfixturevalue('redis').port}/0"


@dataclass
class House:
    """One installation: its database, watched for jobs that end, and its workers."""

    settings: Settings
    database: object
    watch: psycopg.Connection
    broker_url: str | None = None
    workers: list[subprocess.Popen] = field(default_factory=list)

    def start_worker(self, *program: str) -> subprocess.Popen:
        """Start `sesame worker`, with the invented jobs unless told otherwise."""
        environment = {
            **os.environ,
            "SESAME_DATA_DIR": str(self.settings.data_dir / "worker"),
            "SESAME_DATABASE_URL": self.settings.database_url,
            **({"SESAME_BROKER_URL": self.broker_url} if self.broker_url else {}),
        }
        with (self.settings.data_dir / f"worker{len(self.workers)}.log").open("w") as log:
            started = subprocess.Popen(
                [sys.executable, *(program or (str(INVENTED),)), "worker", "--sweep-every", "0.5"],
                env=environment, start_new_session=True, stderr=log,
            )  # fmt: skip
        self.workers.append(started)
        return started

    def announce(self) -> None:
        """Have the test's own jobs announced through the broker, as a web process does."""
        announce_through(
            make_celery(Settings(**{**vars(self.settings), "broker_url": self.broker_url}))
        )

    def enqueue(self, name: str, **arguments: str | int) -> UUID:
        with unit_of_work(self.database) as session:
            return enqueue(session, name, at=SystemClock().now(), **arguments)

    def ended(self, job_id: UUID) -> str:
        """Wait until the job has ended and return its state."""
        state = "SELECT state FROM platform.job WHERE id = %s AND state <> 'waiting'"
        until = time.monotonic() + PATIENCE
        while (row := self.watch.execute(state, [job_id]).fetchone()) is None:
            left = until - time.monotonic()
            assert left > 0, self.told()
            assert next(self.watch.notifies(timeout=left, stop_after=1), None), self.told()
        return row[0]

    def told(self) -> str:
        """What the workers wrote."""
        return "\n".join(each.read_text() for each in self.settings.data_dir.glob("worker*.log"))

    def effects(self) -> list[str]:
        return [row[0] for row in self.watch.execute("SELECT name FROM effect ORDER BY name")]


@pytest.fixture
def make_house(settings, database, scheme, test_database) -> Iterator[Callable[..., House]]:
    """Return a function that opens the installation with a broker."""
    opened: list[House] = []

    def make(broker_url: str | None) -> House:
        watch = psycopg.connect(test_database.url("postgres"), autocommit=True)
        watch.execute("CREATE TABLE effect (name text)")
        watch.execute("GRANT INSERT ON effect TO sesame_app")
        watch.execute(
            "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "PERFORM pg_notify('job_ended', NEW.id::text); RETURN NULL; END $$"
        )
        watch.execute(
            "CREATE TRIGGER tell AFTER UPDATE ON platform.job FOR EACH ROW "
            "WHEN (NEW.state <> 'waiting') EXECUTE FUNCTION tell()"
        )
        watch.execute("LISTEN job_ended")
        house = House(settings, database, watch, broker_url)
        opened.append(house)
        return house

    yield make
    queue.announce_with(None)
    for house in opened:
        for worker in house.workers:
            worker.kill()
            worker.wait()
        house.watch.close()


@pytest.fixture
def house(make_house, broker_url) -> House:
    """The installation, on each broker."""
    return make_house(broker_url)


def test_a_worker_does_a_job_that_another_process_asked_for(house):
    house.announce()
    worker = house.start_worker()
    first = house.enqueue("invented.mark", effect="first")
    assert house.ended(first) == "done"
    second = house.enqueue("invented.mark", effect="second")
    assert house.ended(second) == "done"
    assert house.effects() == ["first", "second"]
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(PATIENCE) == 0


def test_a_worker_killed_in_the_middle_of_a_job_leaves_it_to_another_who_does_it_once(house):
    house.announce()
    worker = house.start_worker()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        asked = house.enqueue("invented.ask_first", effect="x", port=listener.getsockname()[1])
        in_the_middle, _ = listener.accept()
        worker.kill()
        worker.wait()
        in_the_middle.close()
        with pytest.raises(ProcessLookupError):
            os.killpg(worker.pid, 0)  # nothing of it lives on
        assert house.effects() == []
        house.start_worker()
        again, _ = listener.accept()
        again.sendall(b"!")
        assert house.ended(asked) == "done"
        again.close()
    assert house.effects() == ["x"]


def test_a_job_that_kills_its_worker_is_counted_each_time_and_ends(make_house):
    house = make_house(None)
    asked = house.enqueue("invented.kill_worker")
    house.watch.execute("UPDATE platform.job SET attempts = %s", [MAX_ATTEMPTS - 1])
    assert house.start_worker().wait(PATIENCE) == -signal.SIGKILL
    kept = house.watch.execute(
        "SELECT state, attempts FROM platform.job WHERE id = %s", [asked]
    ).fetchone()
    assert kept == ("waiting", MAX_ATTEMPTS)
    house.watch.execute("UPDATE platform.job SET due_at = created_at WHERE id = %s", [asked])
    survivor = house.start_worker()
    assert house.ended(asked) == "failed"
    assert survivor.poll() is None


def test_a_queue_lost_with_its_broker_is_filled_again_from_the_rows(make_house, redis):
    house = make_house(f"redis://127.0.0.1:{redis.port}/0")
    house.announce()
    announced = house.enqueue("invented.mark", effect="announced, then lost")
    redis.kill()
    unannounced = house.enqueue("invented.mark", effect="never announced")
    redis.start()
    house.start_worker()
    assert [house.ended(announced), house.ended(unannounced)] == ["done", "done"]
    assert house.effects() == ["announced, then lost", "never announced"]


def test_a_worker_goes_on_when_its_broker_comes_back(make_house, redis):
    house = make_house(f"redis://127.0.0.1:{redis.port}/0")
    house.announce()
    worker = house.start_worker()
    assert house.ended(house.enqueue("invented.mark", effect="before")) == "done"
    redis.kill()
    redis.start()
    assert house.ended(house.enqueue("invented.mark", effect="after")) == "done"
    assert worker.poll() is None
    assert house.effects() == ["after", "before"]


def test_the_shipped_command_runs_a_shipped_job(make_house):
    import cardsvc.programmes.jobs  # noqa: F401  what the web process has loaded

    house = make_house(None)
    house.start_worker("-m", "sesame")
    assert house.ended(house.enqueue("programmes.grant_new")) == "done"


@pytest.mark.parametrize("answers", [False, True], ids=["refuses", "stays silent"])
def test_a_broker_that_is_away_keeps_a_request_waiting_for_seconds_at_most(make_house, answers):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        if not answers:
            silent.close()
        house = make_house(f"redis://127.0.0.1:{port}/0")
        house.announce()
        began = time.perf_counter()
        house.enqueue("invented.mark", effect="kept")
        assert time.perf_counter() - began < 6
    (kept,) = house.watch.execute("SELECT count(*) FROM platform.job").fetchone()
    assert kept == 1
