"""A real PostgreSQL for every test: one cluster a run, one fresh database a test."""

import itertools
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from sesame.migrations.run import admit_the_roles_only, prepare_server, upgrade
from sesame.platform.clock import MovableClock
from sesame.platform.database import Database, unit_of_work
from sesame.platform.database.connection import APPLICATION_ROLE, OWNER_ROLE
from sesame.platform.database.embedded import EmbeddedServer
from sesame.platform.scheme import Scheme, create_scheme
from sesame.platform.settings import Settings

A_TUESDAY = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
POSTGRES_VERSION = int(os.environ.get("SESAME_TEST_POSTGRES", "18"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Campaigns that take long run in a short form unless asked for whole (`make test-faults`)."""
    parser.addoption("--long", action="store_true", help="run the fault campaigns whole")
    parser.addoption("--kills", type=int, help="how many kills under load (default: a dozen)")


@dataclass(frozen=True)
class TestDatabase:
    """One database of a test: its name, and its address for each role."""

    __test__ = False

    server: EmbeddedServer
    name: str

    def url(self, role: str = APPLICATION_ROLE) -> str:
        """Return the address for `role` (`postgres` is the superuser)."""
        return self.server.url(role, self.name)


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """A running cluster with the three roles and a migrated template, dropped after the run."""
    folder = Path(tempfile.mkdtemp(prefix="sesame-test-", dir=_fast_folder()))
    folder.chmod(0o755)
    cluster = EmbeddedServer(folder / "postgres", version=POSTGRES_VERSION, durable=False)
    cluster.start()
    prepare_server(cluster.url("postgres", "postgres"), "template_sesame")
    upgrade(cluster.url(OWNER_ROLE, "template_sesame"))
    yield cluster
    cluster.stop("immediate")
    shutil.rmtree(folder)


def _fast_folder() -> str:
    """Memory where there is enough of it: a fresh database a test is eight times faster there."""
    memory = Path("/dev/shm")
    if memory.is_dir() and shutil.disk_usage(memory).free > 2 * 2**30:
        return str(memory)
    return "/tmp"


_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def make_database(server: EmbeddedServer) -> Callable[[], TestDatabase]:
    """Return a function that makes one more empty, migrated database."""

    def make() -> TestDatabase:
        name = f"test_{next(_numbers)}"
        with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as connection:
            connection.execute(
                f"CREATE DATABASE {name} TEMPLATE template_sesame OWNER {OWNER_ROLE}"
                " STRATEGY file_copy"
            )
            # Rights on a database aren't copied with it.
            admit_the_roles_only(connection, name)
        return TestDatabase(server, name)

    return make


@pytest.fixture
def test_database(make_database: Callable[[], TestDatabase]) -> Iterator[TestDatabase]:
    """A fresh, migrated database of this test alone."""
    made = make_database()
    yield made
    with psycopg.connect(made.server.url("postgres", "postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {made.name} WITH (FORCE)")


@pytest.fixture
def database(test_database: TestDatabase) -> Iterator[Database]:
    """The test's database as the application sees it."""
    opened = Database(test_database.url())
    yield opened
    opened.dispose()


@pytest.fixture
def clock() -> MovableClock:
    """A clock that stands at a Tuesday morning until the test moves it."""
    return MovableClock(A_TUESDAY)


@pytest.fixture
def at(clock: MovableClock) -> datetime:
    """The clock's moment at the start of the test."""
    return clock.now()


@pytest.fixture
def scheme(database: Database, at: datetime) -> Scheme:
    """An invented Region's scheme, committed."""
    with unit_of_work(database) as session:
        return create_scheme(
            session,
            name="Région Val-d'Ambre",
            issuer="FR-VA",
            zone="Europe/Paris",
            kind="demonstration",
            at=at,
        )


@pytest.fixture
def session(database: Database, scheme: Scheme) -> Iterator[Session]:
    """A session of the test's database, with a scheme; rolled back unless the test commits."""
    with database.sessions() as opened:
        yield opened


@pytest.fixture
def settings(tmp_path: Path, test_database: TestDatabase) -> Settings:
    """Settings of an installation whose data folder and database are this test's own."""
    return Settings(
        data_dir=tmp_path,
        database_url=test_database.url(),
        database_owner_url=test_database.url(OWNER_ROLE),
        real_data=real_data_folder(),
    )


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, one for the run: a second Playwright in the process would refuse to start."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        yield browser
        browser.close()


def real_data_folder() -> Path:
    """Return the folder of official public files that some tests read (SESAME_REAL_DATA)."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    return Path(os.environ.get("SESAME_REAL_DATA", str(beside)))


@pytest.fixture
def serve() -> Iterator[Callable[[Flask], str]]:
    """Serve an application on loopback while the test runs; return its address."""
    running = []

    def start(app: Flask) -> str:
        def whole(environ: dict[str, Any], start_response: Any) -> list[bytes]:
            # Read and closed here: werkzeug's server leaves a file open when a browser hangs up.
            answer = app(environ, start_response)
            try:
                return [b"".join(answer)]
            finally:
                close = getattr(answer, "close", None)
                if close is not None:
                    close()

        server = make_server("127.0.0.1", 0, whole, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()
