"""An installation with people, tills, a web server and a job worker: and how each of them is killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import psycopg
from sqlalchemy.exc import DBAPIError

import cardsvc.programmes.jobs  # noqa: F401  registers the job that is asked for here
from bench.installation import Installation, WebServer, descendants
from bench.region import Region, add_people
from sesame.platform.database import Database, unit_of_work
from sesame.platform.database.embedded import EmbeddedServer
from sesame.platform.jobs import enqueue

# Granian takes a worker that dies within 5.5 s of its start for one that can't run, and ends.
WEB_WORKER_SETTLES_SECONDS = 6.0
SWEEP_EVERY_SECONDS = "0.1"
PEOPLE_A_BATCH = 5


class Stuck(Exception):
    """What was waited for didn't come."""


def wait_until(
    ready: Callable[[], bool], what: str, seconds: float = 120, look_every: float = 0.02
) -> None:
    """Look until `ready` says so. Raises `Stuck`."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise Stuck(f"{what}: not within {seconds} s")
        time.sleep(look_every)


def is_dead(pid: int) -> bool:
    """Return whether no process of this number runs; one that nobody has reaped yet doesn't."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] in ("Z", "X")


def kill_all(pids: Sequence[int], when: Callable[[], bool] = lambda: True) -> float:
    """SIGKILL them as soon as `when` says so; return that moment, once they are gone."""
    wait_until(when, "the moment to kill", look_every=0.001)
    moment = time.monotonic()
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: all(map(is_dead, pids)), "the killed processes' end")
    return moment


def kill_database(server: EmbeddedServer, when: Callable[[], bool] = lambda: True) -> float:
    """SIGKILL the postmaster first, that it may start nothing anew, and all that it has started."""
    postmaster = server.postmaster_pid()
    # The connections are there from the start: those made between here and there are few, and end
    # by themselves when the postmaster has.
    return kill_all([postmaster, *descendants(postmaster)], when)


@dataclass
class Workers:
    """`sesame worker`, started again by whoever runs the house, as a service manager does."""

    here: Installation
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start one."""
        with (self.here.settings.data_dir / "worker.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(Path(sys.executable).with_name("sesame")), "worker",
                 "--sweep-every", SWEEP_EVERY_SECONDS],
                env=self.here.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def kill(self) -> None:
        """SIGKILL it."""
        assert self.process is not None
        kill_all([self.process.pid, *descendants(self.process.pid)])
        self.process.wait()

    def started_again_if_it_left(self) -> bool:
        """Start it again where it has ended by itself; return whether it had."""
        left = self.process is not None and self.process.poll() is not None
        if left:
            self.start()
        return left


@dataclass
class WebWorkers:
    """The web server's own children."""

    web: WebServer
    _first_seen: dict[int, float] = field(default_factory=dict)

    def living(self) -> list[int]:
        """Return those that run."""
        return [pid for pid in descendants(self.web.pid) if not is_dead(pid)]

    def look(self) -> None:
        """Take note of those that have come and gone."""
        now = time.monotonic()
        self._first_seen = {pid: self._first_seen.get(pid, now) for pid in self.living()}

    def settled(self) -> list[int]:
        """Return those that have run for long enough to be killed."""
        settled_since = time.monotonic() - WEB_WORKER_SETTLES_SECONDS
        return [pid for pid, seen in self._first_seen.items() if seen <= settled_since]


class Registrar:
    """Registers people, a few at a time, and asks for their grants: the job worker's work."""

    def __init__(self, here: Installation, first: int, every_seconds: float) -> None:
        self._database = Database(here.database.url)
        self._next, self._every = first, every_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.registered: set[UUID] = set()
        self.unknown = 0
        self.failures: list[Exception] = []

    def start(self) -> None:
        """Open."""
        self._thread.start()

    def stop(self) -> None:
        """Register nobody more. Raises what went wrong."""
        self._stopping.set()
        self._thread.join()
        self._database.dispose()
        if self.failures:
            raise self.failures[0]

    def _run(self) -> None:
        try:
            while not self._stopping.wait(self._every):
                self._register()
        except Exception as failure:  # the main thread raises it
            self.failures.append(failure)

    def _register(self) -> None:
        at = datetime.now(UTC)
        first, self._next = self._next, self._next + PEOPLE_A_BATCH
        try:
            with unit_of_work(self._database) as session:
                people = add_people(session, at, PEOPLE_A_BATCH, first)
                enqueue(session, "programmes.grant_new", at=at)
        except (DBAPIError, psycopg.OperationalError):
            self.unknown += 1  # there or not, with their job or not at all: the referee sees
            return
        self.registered |= set(people)


class RunningJobs:
    """What the worker that runs now is in the middle of, by the rows of the jobs.

    A job's row says when its attempt began: it is to be tried again 2 s after that, then 4 s, then 8 s.
    """

    def __init__(self, here: Installation) -> None:
        self._url = here.server.url("postgres")
        self._connection: psycopg.Connection[tuple[int]] | None = None
        self._since = datetime.now(UTC)

    def count(self) -> int:
        """Return how many attempts were begun since the last kill and haven't ended.

        0 while the database is away.
        """
        try:
            if self._connection is None or self._connection.closed:
                self._connection = psycopg.connect(self._url, autocommit=True)
            (found,) = self._connection.execute(
                "SELECT count(*) FROM platform.job"
                " WHERE state = 'waiting' AND attempts > 0 AND error_code IS NULL"
                " AND due_at - make_interval(secs => 2 ^ attempts) > %s",
                [self._since],
            ).fetchall()
        except psycopg.OperationalError:
            self.close()
            return 0
        return found[0]

    def cut_short(self) -> int:
        """Return how many attempts the kill of a moment ago has left in the middle."""
        left = self.count()
        self._since = datetime.now(UTC)
        return left

    def close(self) -> None:
        """Look no more."""
        if self._connection is not None:
            self._connection.close()


@dataclass
class House:
    """All of it."""

    here: Installation
    region: Region

    def start_database(self) -> None:
        """Start the database as any program of the house does when it finds it away."""
        self.here.server.start()

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """Return a connection of the referee's own."""
        return psycopg.connect(self.here.server.url("postgres"))
