"""A standby made with pg_basebackup out of the same wheel, that follows an embedded server."""

import os
import shutil
import signal
from pathlib import Path

import psycopg

from bench.installation import descendants
from sesame.platform.database.embedded import EmbeddedServer
from tests.faults.house import kill_all, wait_until

NAME = "standby"


class Standby:
    """A second server. synchronous: whether the first one waits for it at each commit."""

    def __init__(self, primary: EmbeddedServer, folder: Path, *, synchronous: bool) -> None:
        self._primary, self._synchronous = primary, synchronous
        self.server = EmbeddedServer(folder)

    def make(self) -> None:
        """Copy the primary, follow it, and have it wait where it is to."""
        self._copy()
        self.server.start()
        wait_until(lambda: self._state() is not None, "the standby to follow")
        if self._synchronous:
            self._set("synchronous_standby_names", NAME)
            wait_until(lambda: self._state() == "sync", "commits to wait for the standby")

    def _copy(self) -> None:
        owner = self._primary.data.stat()
        self.server.folder.mkdir(mode=0o755)
        os.chown(self.server.folder, owner.st_uid, owner.st_gid)
        follow = f"host={self._primary.socket_dir} user=postgres application_name={NAME}"
        self._primary.run_program(
            "pg_basebackup", "--pgdata", str(self.server.data), "--dbname", follow,
            "--write-recovery-conf", "--wal-method", "stream", "--checkpoint", "fast", "--no-sync",
        )  # fmt: skip

    def freeze_receiver(self) -> None:
        """Have the standby neither write nor acknowledge anything from now on."""
        os.kill(self._receiver(), signal.SIGSTOP)

    def promote_without_the_receiver(self) -> None:
        """Make it the primary with what it had when it was frozen, and nothing that came later.

        A receiver let go on would still read what waits in its socket. So it dies as it is, with the
        whole server, and the server starts from its disk.
        """
        postmaster = self.server.postmaster_pid()
        kill_all([postmaster, *descendants(postmaster)])
        self.server.start()
        self.server.run_program("pg_ctl", "promote", "-w", "-D", str(self.server.data))

    def remove(self) -> None:
        """Stop it and forget it; its primary waits for it no more."""
        if self.server.folder.exists():
            self.server.stop("immediate")
            shutil.rmtree(self.server.folder)
        if self._synchronous:
            self._set("synchronous_standby_names", "")

    def _receiver(self) -> int:
        for pid in descendants(self.server.postmaster_pid()):
            title = Path(f"/proc/{pid}/cmdline").read_bytes()
            if b"walreceiver" in title:
                return pid
        raise RuntimeError("the standby has no receiver")

    def _state(self) -> str | None:
        with psycopg.connect(self._primary.url("postgres", "postgres")) as connection:
            row = connection.execute(
                "SELECT sync_state FROM pg_stat_replication"
                " WHERE application_name = %s AND state = 'streaming'",
                [NAME],
            ).fetchone()
        return row[0] if row else None

    def _set(self, name: str, value: str) -> None:
        with psycopg.connect(
            self._primary.url("postgres", "postgres"), autocommit=True
        ) as connection:
            connection.execute("SET synchronous_commit = 'local'")
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
            connection.execute("SELECT pg_reload_conf()")
