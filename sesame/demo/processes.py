"""The demonstration's process tree: commands, servers, and the database that goes down with them."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path

from sesame.platform.database.embedded import EmbeddedServer

STARTS_WITHIN_SECONDS = 60


class DemonstrationFailed(Exception):
    """A step didn't do what it should; the message says which, and what it printed."""


@dataclass
class Installation:
    """An installation of its own under `folder`, driven by commands and HTTP as any other."""

    folder: Path
    port: int
    servers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _script: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """Where its pages are."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def reader_port(self) -> int:
        """Where its simulated reader listens."""
        return self.port + 1

    @property
    def data_dir(self) -> Path:
        """Its SESAME_DATA_DIR."""
        return self.folder / "installation"

    @property
    def clock_file(self) -> Path:
        """The file that moves its clock."""
        return self.folder / "clock"

    @property
    def database(self) -> EmbeddedServer:
        """Its database."""
        return EmbeddedServer(self.data_dir / "postgres")

    def environment(self) -> dict[str, str]:
        """Return the environment of its processes."""
        ours = {
            "SESAME_DATA_DIR": str(self.data_dir),
            "SESAME_CLOCK_FILE": str(self.clock_file),
            "SESAME_BIND": f"127.0.0.1:{self.port}",
            "SESAME_PUBLIC_URL": self.url,
            "SESAME_LOG_LEVEL": "warning",
            "LC_ALL": "C.UTF-8",
        }
        inherited = {name: v for name, v in os.environ.items() if not name.startswith("SESAME_")}
        return inherited | ours

    def now(self) -> datetime:
        """Return the time by its clock."""
        return datetime.now(UTC) + timedelta(seconds=self._shift())

    def set_clock(self, at: datetime) -> None:
        """Have its clock show `at` now, and run on from there."""
        self._write_shift(round((at - datetime.now(UTC)).total_seconds()))

    def clock_to_real(self) -> None:
        """Have its clock show the real time again."""
        self._write_shift(0)

    def _shift(self) -> int:
        try:
            return int(self.clock_file.read_text(encoding="ascii"))
        except FileNotFoundError:
            return 0

    def _write_shift(self, seconds: int) -> None:
        new = self.clock_file.with_suffix(".new")
        new.write_text(str(seconds), encoding="ascii")
        new.replace(self.clock_file)

    def command(self, *arguments: str) -> str:
        """Run `sesame` with these arguments and return what it printed. Raises on failure.

        All commands go through one `sesame script -`, which is started once.
        """
        script = self._script or self._start_script()
        assert script.stdin is not None and script.stdout is not None  # noqa: S101  both are pipes
        try:
            script.stdin.write(json.dumps(list(arguments)) + "\n")
            script.stdin.flush()
            answer = script.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            self._script = None
            raise DemonstrationFailed(
                f"sesame {' '.join(arguments)} failed ({script.wait()}):\n"
                f"{self._script_log.read_text(encoding='utf-8')[-2000:]}"
            )
        printed: str = json.loads(answer)["output"]
        return printed

    @property
    def _script_log(self) -> Path:
        return self.folder / "script.log"

    def _start_script(self) -> subprocess.Popen[str]:
        with self._script_log.open("wb") as log:
            self._script = subprocess.Popen(
                [sys.executable, "-m", "sesame", "script", "-"],
                env=self.environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
            )
        return self._script

    def commands(self, lines: Sequence[Sequence[str]]) -> list[str]:
        """Run several commands in order; return what each printed."""
        return [self.command(*arguments) for arguments in lines]

    def _run_alone(self, *arguments: str) -> None:
        """Run a command in a process of its own: it makes what the others stand on."""
        done = subprocess.run(
            [sys.executable, "-m", "sesame", *arguments],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise DemonstrationFailed(
                f"sesame {' '.join(arguments)} failed ({done.returncode}):\n"
                f"{done.stdout[-2000:]}{done.stderr[-2000:]}"
            )

    def is_made(self) -> bool:
        """Return whether `sesame init` was run to its end."""
        return (self.folder / "made").exists()

    def make(self, *, name: str, issuer: str) -> None:
        """Make the installation, where it isn't yet."""
        if self.is_made():
            self._run_alone("migrate")
            return
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        shutil.rmtree(self.data_dir, ignore_errors=True)
        self._run_alone("init", "--name", name, "--issuer", issuer, "--kind", "demonstration")
        (self.folder / "made").touch()

    def start_servers(self) -> None:
        """Start web and worker, and wait until the web answers. Raises when the port is taken."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError:
                raise DemonstrationFailed(
                    f"Port {self.port} is taken. Stop what uses it, or choose another: --port N."
                ) from None
        for name in ("serve", "worker"):
            self.start(name, [sys.executable, "-m", "sesame", name])
        self._wait_until_ready()

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a server that `stop` will stop; its output goes to `<name>.log`."""
        with (self.folder / f"{name}.log").open("ab") as log:
            server = subprocess.Popen(
                command,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.servers.append(server)

    def start_reader(self, code: str | None) -> None:
        """Start a simulated reader at the counter of a shop; enrol it by `code` the first time."""
        program = str(Path(sys.executable).with_name("sesame-reader"))
        home = str(self.folder / "reader")
        if code is not None:
            enrol = [program, "enrol", "--server", self.url, "--code", code, "--home", home]
            done = subprocess.run(enrol, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise DemonstrationFailed(
                    f"The reader was not enrolled:\n{done.stdout}{done.stderr}"
                )
        self.start(
            "reader",
            [program, "run", "--simulated", "--port", str(self.reader_port), "--home", home],
        )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        while time.monotonic() < deadline:
            if any(server.poll() is not None for server in self.servers):
                break
            if self._is_ready():
                return
            time.sleep(0.05)
        raise DemonstrationFailed(f"The servers did not start: see {self.folder}/serve.log")

    def _is_ready(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def wait(self) -> None:
        """Wait until a server ends by itself, or until interrupted."""
        while all(server.poll() is None for server in self.servers):
            time.sleep(0.5)
        raise DemonstrationFailed(f"A server has ended: see the logs in {self.folder}")

    def stop(self) -> None:
        """Stop every server, then the database; an impatient second Ctrl-C doesn't cut it short."""
        asked_again = signal.signal(signal.SIGINT, signal.SIG_IGN)
        if self._script is not None:
            self._script.communicate()
            self._script = None
        for server in self.servers:
            if server.poll() is None:
                server.send_signal(signal.SIGTERM)
        for server in self.servers:
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        self.servers.clear()
        with suppress(FileNotFoundError):
            self.database.stop()
        signal.signal(signal.SIGINT, asked_again)
