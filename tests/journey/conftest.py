"""The demonstration as anybody starts it, in a process of its own, for the whole run."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from sesame.platform.database.embedded import EmbeddedServer


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Demonstration:
    """A running demonstration: its address, its codes as it printed them, its database."""

    url: str
    printed: str
    folder: Path

    @property
    def student_codes(self):
        return re.findall(r"\b([0-9A-Z]{5}-[0-9A-Z]{6})\b", self.printed)

    @property
    def till_codes(self):
        return re.findall(r"\b([0-9A-Z]{4}-[0-9A-Z]{4})\b   shop", self.printed)

    @property
    def database_url(self):
        server = EmbeddedServer(self.folder / "demo" / "installation" / "postgres")
        return server.url("sesame_reader")


@pytest.fixture(scope="session")
def demonstration():
    folder = Path(tempfile.mkdtemp(prefix="sesame-demo-", dir="/tmp"))
    folder.chmod(0o755)
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "sesame", "demo", "--port", str(port)],
        env=os.environ | {"SESAME_DATA_DIR": str(folder), "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    lines = []
    told = threading.Event()

    def read():
        for line in process.stdout:
            lines.append(line)
            if "Ctrl-C stops everything" in line:
                told.set()
        told.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    assert told.wait(300), "the demonstration was not ready"
    assert process.poll() is None, "".join(lines)
    yield Demonstration(f"http://127.0.0.1:{port}", "".join(lines), folder)
    process.send_signal(signal.SIGINT)
    process.wait(60)
    reader.join(10)
    process.stdout.close()
    shutil.rmtree(folder)
