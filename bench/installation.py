"""An installation of the product's own making under /tmp, served as it is anywhere, and removed."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from sesame.migrations.run import install_database
from sesame.platform.database import Database, open_database
from sesame.platform.database.connection import embedded_server
from sesame.platform.database.embedded import EmbeddedServer
from sesame.platform.settings import Settings

STARTS_WITHIN_SECONDS = 120


@dataclass(frozen=True)
class Installation:
    """Settings, the running embedded server (durable, its default settings) and its database."""

    settings: Settings
    server: EmbeddedServer
    database: Database

    def environment(self) -> dict[str, str]:
        """Return the environment of its programs: no setting but its data folder."""
        inherited = {name: v for name, v in os.environ.items() if not name.startswith("SESAME_")}
        return inherited | {"SESAME_DATA_DIR": str(self.settings.data_dir)}

    @contextmanager
    def serving(self, **more: str) -> Iterator["WebServer"]:
        """Run `sesame serve` with its default settings on a free port; yield where it listens.

        more: settings beside the default ones, by their names in the environment.
        """
        port = _free_port()
        environment = self.environment() | {
            "SESAME_BIND": f"127.0.0.1:{port}",
            "SESAME_PUBLIC_URL": f"http://127.0.0.1:{port}",
            **more,
        }
        with (self.settings.data_dir / "web.log").open("wb") as log:
            process = subprocess.Popen(
                [str(Path(sys.executable).with_name("sesame")), "serve"],
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        served = WebServer(port, process.pid, self.settings.data_dir / "web.log")
        try:
            served.wait_until_ready(process)
            yield served
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@dataclass(frozen=True)
class WebServer:
    """A running `sesame serve`."""

    port: int
    pid: int
    log: Path

    def wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        """Return once it answers; raise with what it printed if it doesn't."""
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            asking = HTTPConnection("127.0.0.1", self.port, timeout=2)
            with suppress(OSError), closing(asking):
                asking.request("GET", "/readyz")
                with asking.getresponse() as answer:
                    if answer.status == 200:
                        return
            time.sleep(0.1)
        raise RuntimeError("the web server didn't start:\n" + self.log.read_text()[-2000:])

    def cpu_seconds(self) -> float:
        """Return the processor time that it and its workers have used."""
        return sum(_cpu_of(pid) for pid in [self.pid, *descendants(self.pid)])


def postgres_cpu_seconds(server: EmbeddedServer) -> float:
    """Return the processor time of the database's processes that live now."""
    pid = server.postmaster_pid()
    return sum(_cpu_of(each) for each in [pid, *descendants(pid)])


@contextmanager
def new_installation() -> Iterator[Installation]:
    """Make an installation in a folder of its own; stop and remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="sesame-bench-", dir="/tmp"))
    folder.chmod(0o755)
    settings = Settings(data_dir=folder / "installation")
    server = embedded_server(settings)
    try:
        install_database(settings)
        database = open_database(settings)
        try:
            yield Installation(settings, server, database)
        finally:
            database.dispose()
    finally:
        with suppress(Exception):
            server.stop("immediate")
        shutil.rmtree(folder)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _cpu_of(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    # utime, stime and those of children that were waited for (proc(5), fields 14 to 17).
    return sum(int(each) for each in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def descendants(pid: int) -> list[int]:
    """Return the process's children and theirs, down to the last."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):
            for child in map(int, task.read_text().split()):
                found += [child, *descendants(child)]
    return found
