"""The web server's own process, which `sesame serve` becomes: Granian, begun anew where it gives up.

Granian puts a new worker in the place of one that dies. Where that one dies too within 5.5 s, it takes
the program for one that can't run, and ends. But a machine short of memory kills twice in a row just
so, and no till could sell any more. So it is begun anew, in this same process, unless it ended so soon
after its start that the program can't run indeed.
"""

import os
import sys
import time

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

CAN_RUN_AFTER_SECONDS = 10


def arguments_of(host: str, port: int, processes: int, threads: int) -> list[str]:
    """Return the command whose process is the web server."""
    counts = map(str, (port, processes, threads))
    return [sys.executable, "-m", "sesame.app.web_server", host, *counts]


def run(host: str, port: int, processes: int, threads: int) -> None:
    """Serve until told to stop. Raises `SystemExit` where Granian can't even begin."""
    began = time.monotonic()
    server = Granian(
        "sesame.app.wsgi:app",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        websockets=False,
        workers=processes,
        blocking_threads=threads,
        # An open connection counts, and phones keep theirs: waiting ones are cheap, threads are few.
        backlog=4096,
        backpressure=4096,
        respawn_failed_workers=True,
        workers_kill_timeout=5,
        log_level=LogLevels.warning,
    )
    try:
        server.serve()
    except SystemExit:
        if server.interrupt_signal or time.monotonic() - began < CAN_RUN_AFTER_SECONDS:
            raise
        # Its workers and its socket are gone; nothing of it stays in this process either.
        os.execv(sys.executable, arguments_of(host, port, processes, threads))  # noqa: S606


if __name__ == "__main__":
    run(sys.argv[1], *map(int, sys.argv[2:]))
