"""The peer: django-hordak on the same server, in a virtual environment and a database of its own."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import psycopg

from sesame.platform.database.embedded import EmbeddedServer

DATABASE = "peer"
PACKAGES = ("django-hordak==2.0.0", "django==5.2.*", "psycopg[binary]==3.3.*")
_CLIENT = Path(__file__).with_name("peer_client.py")


class Peer:
    """An installed peer, and how many transfers it said that it made."""

    def __init__(self, python: Path, server: EmbeddedServer) -> None:
        self._python = python
        self._server = server
        self._made = 0

    @classmethod
    @contextmanager
    def installed(cls, server: EmbeddedServer) -> Iterator[Self]:
        """Install it from the package index, make its tables and accounts; remove it afterwards."""
        with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}")
        folder = Path(tempfile.mkdtemp(prefix="sesame-bench-peer-", dir="/tmp"))
        uv = str(Path(sys.executable).with_name("uv"))
        try:
            python = folder / "venv" / "bin" / "python"
            _run(uv, "venv", "--quiet", "--python", sys.executable, str(folder / "venv"))
            _run(uv, "pip", "install", "--quiet", "--python", str(python), *PACKAGES)
            peer = cls(python, server)
            peer._ask("prepare")
            peer._ask("run", "2", "4", "2")
            yield peer
        finally:
            shutil.rmtree(folder)

    def per_second(self, processes: int, threads: int, seconds: int) -> float:
        """Return transfers a second of that many clients."""
        told = json.loads(self._ask("run", str(processes), str(threads), str(seconds)))
        return float(told["made"] / told["seconds"])

    def check(self) -> None:
        """Raise unless its tables hold what it said that it made."""
        with psycopg.connect(self._server.url("postgres", DATABASE)) as connection:
            row = connection.execute(
                "SELECT (SELECT count(*) FROM hordak_transaction), (SELECT count(*) FROM hordak_leg)"
            ).fetchone()
        if row != (self._made, 2 * self._made):
            raise RuntimeError(f"the peer holds {row} transactions and legs, not {self._made}")

    def _ask(self, *arguments: str) -> str:
        told = _run(
            str(self._python),
            "-I",
            str(_CLIENT),
            str(self._server.socket_dir),
            DATABASE,
            *arguments,
        )
        if arguments[0] == "run":
            self._made += int(json.loads(told)["made"])
        return told


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed:\n{done.stderr[-2000:]}")
    return done.stdout
